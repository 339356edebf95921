package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// errorType is what Lambda and the caller are told; the text says the rest.
const errorType = "Runtime.BundleError"

// reportLimit is how long the Runtime API is waited for.
const reportLimit = 2 * time.Second

// trouble is why the function cannot be started from its bundle.
type trouble struct{ what, why, hint string }

func (t *trouble) Error() string {
	text := t.what
	if t.why != "" {
		text += "; why: " + t.why
	}
	if t.hint != "" {
		text += "; hint: " + t.hint
	}
	return text
}

// troubled is any error in the words of one that a user can mend.
func troubled(err error) *trouble {
	if known, ok := err.(*trouble); ok {
		return known
	}
	return &trouble{what: "the loader failed", why: err.Error()}
}

// report tells standard error, and Lambda, that the function cannot be initialised.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror
func report(err error) {
	message := troubled(err).Error()
	fmt.Fprintf(os.Stderr, "[ERROR] %s: %s\n", errorType, strings.ReplaceAll(message, "\n", " "))
	host := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if host == "" {
		return
	}
	body, _ := json.Marshal(map[string]any{
		"errorMessage": message,
		"errorType":    errorType,
		"stackTrace":   []string{},
	})
	url := "http://" + host + "/2018-06-01/runtime/init/error"
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
	client := http.Client{Timeout: reportLimit, Transport: &http.Transport{}}
	reply, err := client.Do(request)
	if err != nil {
		fmt.Fprintf(os.Stderr, "[ERROR] Lambda could not be told: %s\n", err)
		return
	}
	io.Copy(io.Discard, reply.Body)
	reply.Body.Close()
}
