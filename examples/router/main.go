// Router answers by which router packets leave for an IPv4 address, and why: the longest prefix
// that covers it, out of a table with one entry for every 64 addresses.
//
// It is a program for Lambda's provided runtimes, written on the standard library alone: it asks
// the Runtime API for an event, answers, and asks again.
package main

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
)

// The table lies in the program, so that reading it takes no system call: the pages of it that
// are asked for are read when they are first asked for. make_routes.py writes it.
//
//go:embed routes.bin
var table string

//go:embed routers.json
var names []byte

// Bits of an address below one entry.
const entryBits = 6

type event struct {
	Addresses []string `json:"addresses"`
}

type route struct {
	Address  string `json:"address"`
	Prefix   string `json:"prefix"`
	Router   string `json:"router"`
	Distance int    `json:"distance"`
}

type answer struct {
	Routes  []route `json:"routes"`
	Entries int     `json:"entries"`
}

type failure struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

func main() {
	var routers []string
	if err := json.Unmarshal(names, &routers); err != nil {
		fail("init/error", err)
		os.Exit(1)
	}
	for {
		if err := next(routers); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// Next answers one event.
func next(routers []string) error {
	response, err := http.Get(url("invocation/next"))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return err
	}
	request := "invocation/" + response.Header.Get("Lambda-Runtime-Aws-Request-Id")
	var asked event
	if err := json.Unmarshal(body, &asked); err != nil {
		return fail(request+"/error", err)
	}
	found, err := find(asked, routers)
	if err != nil {
		return fail(request+"/error", err)
	}
	return post(request+"/response", found)
}

// Find looks every address of an event up.
func find(asked event, routers []string) (answer, error) {
	found := answer{Routes: []route{}, Entries: len(table) / 4}
	for _, text := range asked.Addresses {
		address, err := netip.ParseAddr(text)
		if err != nil || !address.Is4() {
			return found, fmt.Errorf("%q is no IPv4 address", text)
		}
		octets := address.As4()
		at := binary.BigEndian.Uint32(octets[:]) >> entryBits * 4
		router, length := int(table[at]), int(table[at+1])
		prefix, err := address.Prefix(length)
		if err != nil || router >= len(routers) {
			return found, fmt.Errorf("the table is damaged at %d", at)
		}
		distance := int(table[at+2]) | int(table[at+3])<<8
		found.Routes = append(found.Routes, route{text, prefix.String(), routers[router], distance})
	}
	return found, nil
}

func url(path string) string {
	return "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/" + path
}

func fail(path string, err error) error {
	return post(path, failure{err.Error(), "router.Error"})
}

func post(path string, content any) error {
	body, err := json.Marshal(content)
	if err != nil {
		return err
	}
	response, err := http.Post(url(path), "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	response.Body.Close()
	return nil
}
