package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// emptySha256 is the digest of a body that is not there.
const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// keys are those of the function's role. A provided runtime has them in its environment:
// Lambda hands them out otherwise only with SnapStart, which provided runtimes do not have.
type keys struct{ access, secret, token string }

func readKeys(environ func(string) string) (keys, error) {
	found := keys{
		environ("AWS_ACCESS_KEY_ID"),
		environ("AWS_SECRET_ACCESS_KEY"),
		environ("AWS_SESSION_TOKEN"),
	}
	if found.access == "" {
		return found, &trouble{
			what: "there are no credentials to read the bundle with",
			why:  "AWS_ACCESS_KEY_ID is not set",
			hint: "give the function an execution role",
		}
	}
	return found, nil
}

// sign adds AWS's signature, version 4, to the headers of a GET of S3.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func sign(header http.Header, where *place, by keys, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	day := stamp[:8]
	header.Set("X-Amz-Date", stamp)
	header.Set("X-Amz-Content-Sha256", emptySha256)
	if by.token != "" {
		header.Set("X-Amz-Security-Token", by.token)
	}
	signed := map[string]string{"host": where.authority}
	for name, values := range header {
		signed[strings.ToLower(name)] = strings.Join(strings.Fields(values[0]), " ")
	}
	names := slices.Sorted(maps.Keys(signed))
	lines := make([]string, len(names))
	for at, name := range names {
		lines[at] = name + ":" + signed[name]
	}
	listed := strings.Join(names, ";")
	canonical := strings.Join([]string{
		http.MethodGet, where.path, where.query, strings.Join(lines, "\n"), "", listed, emptySha256,
	}, "\n")
	scope := day + "/" + where.region + "/s3/aws4_request"
	hashed := sha256.Sum256([]byte(canonical))
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(hashed[:])
	key := []byte("AWS4" + by.secret)
	for _, part := range []string{day, where.region, "s3", "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+by.access+"/"+scope+
		", SignedHeaders="+listed+", Signature="+hex.EncodeToString(key))
}
