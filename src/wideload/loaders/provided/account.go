package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// account is how it went, for whoever measures.
type account struct {
	began  time.Time
	reused int

	lock       sync.Mutex
	firstFrame time.Time
	lastFrame  time.Time
	counts     counts
}

func newAccount(began time.Time) *account { return &account{began: began} }

func (a *account) unpacked() {
	a.lock.Lock()
	defer a.lock.Unlock()
	a.lastFrame = time.Now()
	if a.firstFrame.IsZero() {
		a.firstFrame = a.lastFrame
	}
}

func (a *account) fetching(counts *counts) { a.counts = *counts }

// tell says it in a line of JSON on standard error, where that is wished for: with the names and
// in the units of the loader for Python, for which docs/explanation/cold-starts.md explains them.
func (a *account) tell() {
	if os.Getenv(timingsVariable) == "" {
		return
	}
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	ready := time.Now()
	told := map[string]any{
		"bytes":         a.counts.bytes,
		"requests":      a.counts.requests,
		"retries":       a.counts.retries,
		"hedges":        a.counts.hedges,
		"corrupt":       a.counts.corrupt,
		"reused_frames": a.reused,
		"cpu_ms":        milliseconds(cpu),
		"max_rss_kb":    mostMemory(),
		"ready_ms":      milliseconds(ready.Sub(a.began)),
		// Nothing is imported meanwhile: all of it is waited for.
		"held_ms": milliseconds(ready.Sub(a.began)),
		"whole":   true,
	}
	for name, moment := range map[string]time.Time{
		"first_byte_ms":  a.counts.connected,
		"first_frame_ms": a.firstFrame,
		"fetched_ms":     a.counts.fetched,
		"unpacked_ms":    a.lastFrame,
	} {
		if !moment.IsZero() {
			told[name] = milliseconds(moment.Sub(a.began))
		}
	}
	line, _ := json.Marshal(map[string]any{"wideload": told})
	fmt.Fprintf(os.Stderr, "%s\n", line)
}

// mostMemory is the most that this process has had in memory, in KiB. What rusage tells is also
// of the process that it was forked from.
func mostMemory() int {
	status, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	told, _, _ := strings.Cut(after, "kB")
	found, _ := strconv.Atoi(strings.TrimSpace(told))
	return found
}

func milliseconds(spent time.Duration) float64 {
	return float64(spent.Microseconds()/100) / 10
}
