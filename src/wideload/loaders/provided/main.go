// The bootstrap of a function for Lambda's provided runtimes whose files lie in a bundle in S3:
// it fetches them into /tmp, checks them, and becomes the user's own executable.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	home            = "_wideload"
	taskVariable    = "LAMBDA_TASK_ROOT"
	memoryVariable  = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
	timingsVariable = "WIDELOAD_TIMINGS"
	mebibyte        = 1 << 20
)

// function is what the zip says of the function that is started.
type function struct {
	Bundle     string // sha256
	Executable string // below the tree
	Folder     string // that is written to: /tmp
}

func main() {
	err := start(time.Now())
	report(err)
	os.Exit(1)
}

// start returns only where the function cannot be started.
func start(began time.Time) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	told, err := os.ReadFile(filepath.Join(filepath.Dir(own), home, "function.json"))
	if err != nil {
		return err
	}
	var of function
	if err := json.Unmarshal(told, &of); err != nil || len(of.Bundle) < digestBytes {
		return damaged(fmt.Sprintf("function.json says %q", told))
	}
	bundle, err := readIndex(filepath.Join(filepath.Dir(own), home, "index.json"))
	if err != nil {
		return err
	}
	into, err := openFolder(filepath.Join(of.Folder, "wideload-"+of.Bundle[:digestBytes]), bundle)
	if err != nil {
		return err
	}
	account := newAccount(began)
	if into.isFresh || !into.isUntouched() {
		if err := fill(into, bundle, account); err != nil {
			return err
		}
	} else {
		account.reused = len(bundle.frames)
	}
	account.tell()
	return become(filepath.Join(into.root, treeName), of.Executable)
}

// fill brings into the folder what lacks of the bundle.
func fill(into *folder, bundle *index, account *account) error {
	memory := usable()
	debug.SetMemoryLimit(memory * 3 / 4)
	if err := into.prepare(); err != nil {
		return err
	}
	unpack := newUnpacking(bundle, into)
	wanted := bundle.tmpBytes
	if !into.isFresh {
		if err := errors.Join(into.incomplete(), into.tidy()); err != nil {
			return full(into.root, err, bundle)
		}
		if err := unpack.survey(); err != nil {
			return full(into.root, err, bundle)
		}
		wanted = 0
		for frame := range unpack.frames {
			wanted += bundle.frames[frame].rawLength
		}
	}
	if err := into.room(wanted); err != nil {
		return err
	}
	lacking := slices.Sorted(maps.Keys(unpack.frames))
	account.reused = len(bundle.frames) - len(lacking)
	if len(lacking) > 0 {
		if err := fetch(lacking, unpack, bundle, memory, account); err != nil {
			return err
		}
	}
	return into.complete()
}

func fetch(
	lacking []int, unpack *unpacking, bundle *index, memory int64, account *account,
) error {
	where, err := newPlace(os.Getenv)
	if err != nil {
		return err
	}
	by, err := readKeys(os.Getenv)
	if err != nil {
		return err
	}
	from, err := newSource(where, by, bundle.size, os.Getenv("AWS_CA_BUNDLE"))
	if err != nil {
		return err
	}
	over := make(chan error, len(lacking)+connections)
	fetching := newFetching(from, bundle, memory/8)
	fetching.deliver = unpack.add
	fetching.failed = func(err error) { over <- err }
	unpack.failed = fetching.failed
	unpack.spoiled = fetching.spoiled
	unpack.done = func(of arrival) {
		fetching.release(of)
		account.unpacked()
		over <- nil
	}
	unpack.start()
	fetching.start(lacking)
	for range lacking {
		if err := <-over; err != nil {
			return err
		}
	}
	fetching.stop()
	account.fetching(&fetching.counts)
	return nil
}

// usable is the function's memory, within reason; an eighth of it may be under way.
func usable() int64 {
	told, err := strconv.ParseInt(os.Getenv(memoryVariable), 10, 64)
	if err != nil {
		told = 1024
	}
	return max(128, min(512, told)) * mebibyte
}

// become runs the executable in the place of this process: with its arguments, descriptors,
// limits and environment, in the folder that its files lie in. It returns only if it cannot.
func become(tree, executable string) error {
	if err := os.Chdir(tree); err != nil {
		return err
	}
	path := filepath.Join(tree, executable)
	environ := slices.Clone(os.Environ())
	for at, one := range environ {
		if strings.HasPrefix(one, taskVariable+"=") || strings.HasPrefix(one, "PWD=") {
			name, _, _ := strings.Cut(one, "=")
			environ[at] = name + "=" + tree
		}
	}
	err := syscall.Exec(path, append([]string{path}, os.Args[1:]...), environ)
	what := executable + " cannot be run"
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return &trouble{what, err.Error(),
			fmt.Sprintf("build it for linux on %s, or let a script begin with #!", runtime.GOARCH)}
	case errors.Is(err, syscall.ENOENT):
		return &trouble{what, "what it is to be loaded by is not there: " + err.Error(),
			"link it statically, or for the C library of the runtime"}
	case errors.Is(err, syscall.EACCES):
		return &trouble{what, err.Error(), "nothing may be run from " + filepath.Dir(tree) +
			" here; in Lambda's /tmp it may"}
	}
	return &trouble{what: what, why: err.Error()}
}
