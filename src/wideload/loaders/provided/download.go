package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	connectLimit = 3100 * time.Millisecond
	// stallLimit is how long nothing may come before a connection is given up.
	stallLimit = 5 * time.Second
	chunk      = 1 << 17
	errorBody  = 1 << 13
	uploadHint = "deploy the function again: it uploads the bundle"
)

var (
	staleKeys = []string{
		"ExpiredToken", "ExpiredTokenException", "InvalidToken", "InvalidAccessKeyId",
		"TokenRefreshRequired",
	}
	skewed    = []string{"RequestTimeTooSkewed", "RequestExpired"}
	elsewhere = []string{
		"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed",
		"IllegalLocationConstraintException",
	}
	errStalled  = errors.New("nothing came for 5 seconds")
	errOvertook = errors.New("another attempt was faster")

	codeTag    = regexp.MustCompile(`<Code>([^<]*)</Code>`)
	messageTag = regexp.MustCompile(`<Message>([^<]*)</Message>`)
	regionTag  = regexp.MustCompile(`<Region>([^<]*)</Region>`)
)

// again is a GET that failed as GETs do.
type again struct {
	why    string
	limit  int  // how many attempts at one range are worth while for this reason
	atOnce bool // whether waiting would not help
	denied bool // whether it was for want of a permission
	hint   string
}

func (a *again) Error() string { return a.why }

const usualLimit = 10

// run is one attempt at a range, as those who watch it see it.
type run struct {
	began    time.Time
	first    atomic.Int64 // nanoseconds after began; when the answer began
	last     atomic.Int64 // likewise, when something came last
	end      context.CancelCauseFunc
	context  context.Context
	segments []segment // what it is to fetch, one after the other
	received int64
}

func newRun(of []segment) *run {
	made := &run{began: time.Now(), segments: of}
	made.context, made.end = context.WithCancelCause(context.Background())
	return made
}

func (r *run) start() int64 { return r.segments[0].start }

func (r *run) stop() int64 { return r.segments[len(r.segments)-1].end }

func (r *run) heard() { r.last.Store(int64(time.Since(r.began))) }

// source is the object that the bundle is.
type source struct {
	size      int64
	keys      keys
	transport *http.Transport

	lock  sync.Mutex
	where *place
	skew  time.Duration
	etag  string
}

func newSource(where *place, by keys, size int64, authorities string) (*source, error) {
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: connectLimit}).DialContext,
		TLSHandshakeTimeout:   connectLimit,
		ResponseHeaderTimeout: stallLimit,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   2 * connections,
		ReadBufferSize:        1 << 16,
	}
	if authorities != "" {
		read, err := os.ReadFile(authorities)
		if err != nil {
			return nil, &trouble{what: "AWS_CA_BUNDLE cannot be read", why: err.Error()}
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(read) {
			return nil, &trouble{what: "AWS_CA_BUNDLE holds no certificate", why: authorities}
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &source{size: size, keys: by, transport: transport, where: where}, nil
}

// read fetches the segments of a run, each into a buffer that begin gives, and hands it to came
// when it is whole. It returns an again where another attempt may do, and a trouble where none
// will.
func (s *source) read(of *run, begin func(length int64) []byte, came func(segment, []byte)) error {
	start, end := of.start(), of.stop()
	s.lock.Lock()
	where, skew, etag := *s.where, s.skew, s.etag
	s.lock.Unlock()
	request := &http.Request{
		Method: http.MethodGet,
		URL:    where.url(),
		Host:   where.authority,
		Header: http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", start, end-1)}},
	}
	if etag != "" {
		request.Header.Set("If-Match", etag)
	}
	if where.owner != "" {
		request.Header.Set("X-Amz-Expected-Bucket-Owner", where.owner)
	}
	sign(request.Header, &where, s.keys, time.Now().Add(skew))
	// Not to be signed, nor sent.
	request.Header["User-Agent"] = nil
	reply, err := s.transport.RoundTrip(request.WithContext(of.context))
	if err != nil {
		return s.failed(of, err)
	}
	defer reply.Body.Close()
	of.heard()
	of.first.Store(of.last.Load())
	if reply.StatusCode != http.StatusOK && reply.StatusCode != http.StatusPartialContent {
		body, _ := io.ReadAll(io.LimitReader(reply.Body, errorBody))
		return s.judge(reply, string(body), &where, etag)
	}
	if err := s.check(reply, start, end); err != nil {
		return err
	}
	for _, one := range of.segments {
		buffer := begin(one.end - one.start)
		for filled := 0; filled < len(buffer); {
			count, err := reply.Body.Read(buffer[filled:min(len(buffer), filled+chunk)])
			filled += count
			of.received += int64(count)
			if count > 0 {
				of.heard()
			}
			if err != nil && of.received < end-start {
				if err == io.EOF || err == io.ErrUnexpectedEOF {
					return &again{limit: usualLimit, why: fmt.Sprintf(
						"the answer ended after %d of %d bytes", of.received, end-start)}
				}
				return s.failed(of, err)
			}
		}
		came(one, buffer)
	}
	// So that the connection can be used again.
	io.Copy(io.Discard, io.LimitReader(reply.Body, 1))
	return nil
}

// failed says what an error of the connection means.
func (s *source) failed(of *run, err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var roots x509.SystemRootsError
	if errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid) ||
		errors.As(err, &roots) {
		return &trouble{
			what: s.where.authority + " cannot be trusted with the request for the bundle",
			why:  err.Error(),
			hint: "set AWS_CA_BUNDLE where the endpoint has a certificate of your own",
		}
	}
	if cause := context.Cause(of.context); cause != nil {
		err = cause
	}
	return &again{why: err.Error(), limit: usualLimit}
}

// check sees that the answer is the range of the object that was asked for.
func (s *source) check(reply *http.Response, start, end int64) error {
	told := strings.TrimPrefix(reply.Header.Get("Content-Range"), "bytes ")
	if reply.StatusCode == http.StatusOK {
		if start != 0 || reply.ContentLength != end {
			return &again{why: "the answer is not the range that was asked for", limit: 3}
		}
	} else {
		span, total, _ := strings.Cut(told, "/")
		if total != strconv.FormatInt(s.size, 10) {
			if total == "" {
				total = "no"
			}
			return &again{limit: 3, hint: uploadHint,
				why: fmt.Sprintf("the object has %s bytes, not %d", total, s.size)}
		}
		if wanted := fmt.Sprintf("%d-%d", start, end-1); span != wanted {
			return &again{limit: 3,
				why: fmt.Sprintf("the answer is the range %s, not %s", span, wanted)}
		}
	}
	if reply.ContentLength != end-start {
		return &again{limit: 4,
			why: fmt.Sprintf("the answer says that it has %d bytes", reply.ContentLength)}
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.etag == "" {
		// From now on all ranges are of one and the same object.
		s.etag = reply.Header.Get("ETag")
	}
	return nil
}

// judge says what an answer that is no content means.
func (s *source) judge(reply *http.Response, body string, where *place, etag string) error {
	status, code, message := reply.StatusCode, inTag(codeTag, body), inTag(messageTag, body)
	said := code
	if said == "" {
		said = strconv.Itoa(status)
	}
	if message != "" {
		said += ": " + message
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if status == http.StatusPreconditionFailed {
		if s.etag == etag {
			s.etag = ""
		}
		return &again{limit: 4, atOnce: true, hint: uploadHint,
			why: "the object was replaced while it was read (" + said + ")"}
	}
	if slices.Contains(staleKeys, code) {
		return &again{why: said, limit: 3}
	}
	if slices.Contains(skewed, code) {
		if date, err := http.ParseTime(reply.Header.Get("Date")); err == nil {
			s.skew = time.Until(date)
		}
		return &again{why: said, limit: 4, atOnce: true}
	}
	region := reply.Header.Get("X-Amz-Bucket-Region")
	if region == "" {
		region = inTag(regionTag, body)
	}
	isElsewhere := slices.Contains(elsewhere, code) || status == 301 || status == 307
	if isElsewhere && region != "" {
		if region != s.where.region {
			s.where.ask(region)
		}
		return &again{why: said, limit: 3, atOnce: true}
	}
	if status == 408 || status == 429 || status >= 500 || code == "RequestTimeout" ||
		code == "SlowDown" {
		return &again{why: said, limit: usualLimit}
	}
	switch status {
	case http.StatusForbidden:
		// A policy takes effect after a moment.
		return &again{why: said, limit: 4, denied: true}
	case http.StatusNotFound:
		return &trouble{fmt.Sprintf("the bundle %s is not there", where), said, uploadHint}
	case http.StatusRequestedRangeNotSatisfiable:
		return &trouble{
			fmt.Sprintf("the bundle %s is smaller than it was deployed", where), said, uploadHint,
		}
	}
	return &trouble{what: fmt.Sprintf("the bundle %s cannot be read", where), why: said}
}

// givenUp is what to say when no more attempts are made.
func (s *source) givenUp(last *again, attempts int) *trouble {
	s.lock.Lock()
	defer s.lock.Unlock()
	if last.denied {
		return &trouble{
			fmt.Sprintf("the bundle %s may not be read", s.where),
			last.why,
			fmt.Sprintf("the function's role needs s3:GetObject on %s, and kms:Decrypt where "+
				"the bucket's key is the user's own; S3 answers the same where the object is "+
				"missing: then deploy again", s.where.arn()),
		}
	}
	return &trouble{
		fmt.Sprintf("the bundle %s could not be read", s.where),
		fmt.Sprintf("%d attempts failed, the last with %s", attempts, last.why),
		last.hint,
	}
}

func inTag(tag *regexp.Regexp, body string) string {
	found := tag.FindStringSubmatch(body)
	if found == nil {
		return ""
	}
	return found[1]
}
