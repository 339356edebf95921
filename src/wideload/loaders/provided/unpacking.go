package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"sync"

	"wideload/bootstrap/zstd"
)

// arrival is a frame that was fetched; its parts together are its bytes.
type arrival struct {
	frame int
	parts [][]byte
}

// unpacking checks frames that were fetched, decompresses them, and writes each file whole.
type unpacking struct {
	index   *index
	folder  *folder
	done    func(arrival)
	spoiled func(arrival)
	failed  func(error)
	queue   chan arrival

	lock    sync.Mutex
	splits  map[int]*os.File // files that lie in several frames, as far as they are opened
	lacking map[int]int      // of such a file, how many frames
	frames  map[int]bool     // that lack
}

func newUnpacking(of *index, into *folder) *unpacking {
	made := &unpacking{
		index: of, folder: into,
		queue:   make(chan arrival, len(of.frames)+corruptLimit),
		splits:  map[int]*os.File{},
		lacking: map[int]int{},
		frames:  map[int]bool{},
	}
	for frame, held := range of.stretches {
		made.frames[frame] = true
		for _, one := range held {
			if of.isSplit(one.file) {
				made.lacking[one.file]++
			}
		}
	}
	return made
}

// survey takes what is there already and is right, on all processors.
func (u *unpacking) survey() error {
	work := make(chan int)
	var group sync.WaitGroup
	isRight := make([]bool, len(u.index.files))
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for number := range work {
				isRight[number] = u.folder.isRight(number)
			}
		})
	}
	for number := range u.index.files {
		work <- number
	}
	close(work)
	group.Wait()
	for frame, held := range u.index.stretches {
		isThere := true
		for _, one := range held {
			isThere = isThere && isRight[one.file]
		}
		if isThere {
			u.has(frame)
		}
	}
	for number := range u.index.files {
		if u.index.isSplit(number) && !isRight[number] {
			if err := u.surveySplit(number); err != nil {
				return err
			}
		}
	}
	return nil
}

// surveySplit takes over what an earlier loader has written of a file in several frames.
func (u *unpacking) surveySplit(number int) error {
	opened := u.folder.resume(number)
	if opened == nil {
		return nil
	}
	u.splits[number] = opened
	var group sync.WaitGroup
	first, count := u.index.files[number].frame, u.lacking[number]
	isThere := make([]bool, count)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for at := range count {
		slots <- struct{}{}
		group.Go(func() {
			one := u.index.stretches[first+at][0]
			found := digestOf(opened, one.start, one.length)
			isThere[at] = found == u.index.frames[first+at].rawSha256
			<-slots
		})
	}
	group.Wait()
	for at, is := range isThere {
		if is {
			u.has(first + at)
			u.lacking[number]--
		}
	}
	if u.lacking[number] == 0 {
		// That loader was killed when all was written and nothing was renamed yet.
		return u.folder.place(number, opened)
	}
	return nil
}

func (u *unpacking) has(frame int) { delete(u.frames, frame) }

// start starts the workers.
func (u *unpacking) start() {
	for range max(2, min(4, runtime.GOMAXPROCS(0))) {
		go u.work()
	}
}

// add unpacks a frame.
func (u *unpacking) add(one arrival) { u.queue <- one }

func (u *unpacking) work() {
	content := make([]byte, u.index.largestContent)
	decoder := zstd.NewDecoder()
	for one := range u.queue {
		isRight, err := u.unpack(one, content, decoder)
		switch {
		case err != nil:
			u.failed(full(u.folder.root, err, u.index))
		case isRight:
			u.done(one)
		default:
			u.spoiled(one)
		}
	}
}

// unpack says whether the bytes were the frame's; if not, nothing was done with them.
func (u *unpacking) unpack(
	one arrival, content []byte, decoder *zstd.Decoder,
) (bool, error) {
	frame := u.index.frames[one.frame]
	sum := sha256.New()
	for _, part := range one.parts {
		sum.Write(part)
	}
	if digest(sum.Sum(nil)) != frame.sha256 {
		return false, nil
	}
	content = content[:frame.rawLength]
	if err := decoder.Decode(content, one.parts); err != nil {
		return false, &trouble{
			what: "a frame of the bundle cannot be unpacked",
			why:  fmt.Sprintf("frame %d: %s", one.frame, err),
			hint: "build and deploy the function again",
		}
	}
	for _, each := range u.index.stretches[one.frame] {
		if err := u.write(each, content[:each.length]); err != nil {
			return false, err
		}
		content = content[each.length:]
	}
	return true, nil
}

func (u *unpacking) write(each stretch, content []byte) error {
	if u.index.isSplit(each.file) {
		return u.writeSplit(each, content)
	}
	made, err := u.folder.create(each.file)
	if err != nil {
		return err
	}
	if _, err := made.Write(content); err != nil {
		made.Close()
		return err
	}
	return u.folder.place(each.file, made)
}

func (u *unpacking) writeSplit(each stretch, content []byte) error {
	opened, err := u.split(each.file)
	if err != nil {
		return err
	}
	if _, err := opened.WriteAt(content, each.start); err != nil {
		return err
	}
	u.lock.Lock()
	u.lacking[each.file]--
	isWhole := u.lacking[each.file] == 0
	u.lock.Unlock()
	if isWhole {
		return u.folder.place(each.file, opened)
	}
	return nil
}

func (u *unpacking) split(number int) (*os.File, error) {
	u.lock.Lock()
	defer u.lock.Unlock()
	if u.splits[number] == nil {
		made, err := u.folder.create(number)
		if err == nil {
			err = made.Truncate(u.index.files[number].size)
		}
		if err != nil {
			return nil, err
		}
		u.splits[number] = made
	}
	return u.splits[number], nil
}
