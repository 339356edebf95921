package main

import (
	"fmt"
	"net/url"
	"strings"
)

const bundleVariable = "WIDELOAD_BUNDLE"

// suffixes are those of the partitions, by how their regions begin.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
var suffixes = []struct{ start, end string }{
	{"cn-", "amazonaws.com.cn"},
	{"us-isob-", "sc2s.sgov.gov"},
	{"us-iso-", "c2s.ic.gov"},
	{"eu-isoe-", "cloud.adc-e.uk"},
	{"us-isof-", "csp.hci.ic.gov"},
	{"eusc-", "amazonaws.eu"},
}

// place is an object of S3, and the host that is asked for it.
type place struct {
	bucket, key, owner, version string
	region                      string
	dual, fips                  bool
	endpoint                    *url.URL
	secure                      bool
	authority                   string // as in the header Host
	path, query                 string // as in the request line
}

// newPlace reads where the bundle lies. Variables of the AWS SDKs that name an endpoint are
// obeyed; a named endpoint is asked in path style.
func newPlace(environ func(string) string) (*place, error) {
	value := environ(bundleVariable)
	parsed, err := url.Parse(value)
	if err != nil || parsed.Scheme != "s3" || parsed.Host == "" || len(parsed.Path) < 2 {
		return nil, &trouble{
			what: "the environment variable " + bundleVariable +
				" does not say where the bundle lies",
			why:  fmt.Sprintf("it is %q, not s3://bucket/key", value),
			hint: "deploy the function again",
		}
	}
	query := parsed.Query()
	found := &place{
		bucket:  parsed.Host,
		key:     parsed.Path[1:],
		owner:   query.Get("owner"),
		version: query.Get("version"),
		dual:    isTrue(environ("AWS_USE_DUALSTACK_ENDPOINT")),
		fips:    isTrue(environ("AWS_USE_FIPS_ENDPOINT")),
	}
	named := environ("AWS_ENDPOINT_URL_S3")
	if named == "" {
		named = environ("AWS_ENDPOINT_URL")
	}
	if named != "" && !isTrue(environ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
		found.endpoint, err = url.Parse(named)
		if err != nil || found.endpoint.Host == "" {
			return nil, &trouble{what: fmt.Sprintf("the endpoint %q of S3 is no URL", named)}
		}
	}
	region := query.Get("region")
	for _, other := range []string{environ("AWS_REGION"), "us-east-1"} {
		if region == "" {
			region = other
		}
	}
	found.ask(region)
	return found, nil
}

func (p *place) String() string { return "s3://" + p.bucket + "/" + p.key }

// arn is the object's, for messages.
func (p *place) arn() string {
	partition := "aws"
	switch {
	case strings.HasPrefix(p.region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(p.region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":s3:::" + p.bucket + "/" + p.key
}

// ask sets the host of a region: that of the variable, or one that S3 sent us to.
func (p *place) ask(region string) {
	p.region = region
	key := quoted(p.key, true)
	if p.endpoint != nil {
		p.secure = p.endpoint.Scheme == "https"
		p.authority = p.endpoint.Host
		base := strings.TrimRight(p.endpoint.EscapedPath(), "/")
		p.path = base + "/" + p.bucket + "/" + key
	} else {
		suffix := "amazonaws.com"
		for _, one := range suffixes {
			if strings.HasPrefix(region, one.start) {
				suffix = one.end
			}
		}
		service := "s3"
		if p.fips {
			service = "s3-fips"
		}
		if p.dual {
			service += ".dualstack"
		}
		p.secure = true
		p.authority = service + "." + region + "." + suffix
		p.path = "/" + key
		if strings.Contains(p.bucket, ".") {
			// The certificate is for one label before s3.
			p.path = "/" + p.bucket + "/" + key
		} else {
			p.authority = p.bucket + "." + p.authority
		}
	}
	p.query = ""
	if p.version != "" {
		p.query = "versionId=" + quoted(p.version, false)
	}
}

// url is what is asked for; its path is sent as it is signed.
func (p *place) url() *url.URL {
	scheme := "http"
	if p.secure {
		scheme = "https"
	}
	return &url.URL{Scheme: scheme, Host: p.authority, Opaque: p.path, RawQuery: p.query}
}

func isTrue(value string) bool {
	value = strings.ToLower(value)
	return value == "true" || value == "1"
}

// quoted is a text as AWS's signature wants it in a URL.
func quoted(text string, slashes bool) string {
	var made strings.Builder
	for _, each := range []byte(text) {
		isPlain := each >= 'a' && each <= 'z' || each >= 'A' && each <= 'Z' ||
			each >= '0' && each <= '9' || strings.IndexByte("-._~", each) >= 0
		if isPlain || slashes && each == '/' {
			made.WriteByte(each)
		} else {
			fmt.Fprintf(&made, "%%%02X", each)
		}
	}
	return made.String()
}
