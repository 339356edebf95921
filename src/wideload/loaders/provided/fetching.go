package main

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	connections  = 12
	largestRange = 8 << 20
	leastRange   = 1 << 20
	hedgeLimit   = 4
	corruptLimit = 4
	longestPause = 2 * time.Second
	firstPause   = 50 * time.Millisecond
	firstByte    = 300 * time.Millisecond
	silence      = 750 * time.Millisecond
	turn         = 50 * time.Millisecond
)

// segment is a stretch of the bundle that is of one frame: all of it, mostly.
type segment struct {
	frame      int
	start, end int64
}

// piece is a range that is asked for at once.
type piece struct {
	segments []segment // those that lack, in order
	attempts int
	after    time.Time
	runs     []*run
}

func (p *piece) isDone() bool { return len(p.segments) == 0 }

// counts is what happened, for whoever measures.
type counts struct {
	requests, retries, hedges, corrupt int
	bytes                              int64
	connected, fetched                 time.Time
}

// fetching is a pool of connections that work through pieces. Of each frame that is delivered it
// is told by release when its memory is free again, or by spoiled that it was not the frame.
type fetching struct {
	source  *source
	index   *index
	memory  int64 // bytes that may be under way at once, roughly
	stride  int64
	deliver func(arrival)
	failed  func(error)

	lock      sync.Mutex
	change    *sync.Cond
	waiting   []*piece
	flying    []*piece
	parts     map[int]map[int64][]byte
	open      map[int]bool
	corrupted map[int]int
	spare     [][]byte  // buffers to be used again
	rates     []float64 // bytes a second, of pieces that came
	firsts    []time.Duration
	isOver    bool
	counts    counts
}

func newFetching(from *source, of *index, memory int64) *fetching {
	made := &fetching{
		source: from, index: of, memory: memory,
		// Each connection gets something of a small bundle, and none too much of a large one.
		stride:    max(leastRange, min(largestRange, memory/connections, of.size/connections)),
		parts:     map[int]map[int64][]byte{},
		open:      map[int]bool{},
		corrupted: map[int]int{},
	}
	made.change = sync.NewCond(&made.lock)
	return made
}

// start fetches these frames.
func (f *fetching) start(frames []int) {
	f.lock.Lock()
	f.waiting = f.cut(frames)
	count := min(connections, len(f.waiting))
	f.lock.Unlock()
	for range count {
		go f.work()
	}
	go f.watch()
}

// release says that a frame's memory is free again.
func (f *fetching) release(of arrival) {
	f.lock.Lock()
	f.free(of)
	f.lock.Unlock()
	f.change.Broadcast()
}

// spoiled says that a frame was not what the index says: it is fetched again.
func (f *fetching) spoiled(of arrival) {
	frame := of.frame
	f.lock.Lock()
	f.counts.corrupt++
	f.corrupted[frame]++
	count := f.corrupted[frame]
	f.free(of)
	if count < corruptLimit {
		f.waiting = append(f.cut([]int{frame}), f.waiting...)
	}
	f.lock.Unlock()
	f.change.Broadcast()
	if count >= corruptLimit {
		f.fail(foreign(frame, count))
	}
}

func (f *fetching) free(of arrival) {
	delete(f.open, of.frame)
	f.spare = append(f.spare, of.parts...)
}

// buffer gives one of a length, a spare one if there is: the kernel clears new memory before it
// lends it.
func (f *fetching) buffer(length int64) []byte {
	f.lock.Lock()
	defer f.lock.Unlock()
	at := slices.IndexFunc(f.spare, func(one []byte) bool { return int64(cap(one)) >= length })
	if at >= 0 {
		found := f.spare[at]
		f.spare = slices.Delete(f.spare, at, at+1)
		return found[:length]
	}
	return make([]byte, length, (length+mebibyte-1)/mebibyte*mebibyte)
}

// stop lets the connections end.
func (f *fetching) stop() {
	f.lock.Lock()
	f.isOver = true
	f.lock.Unlock()
	f.change.Broadcast()
}

// cut finds the ranges of frames. None is of two parts of the object, as it was uploaded.
func (f *fetching) cut(frames []int) []*piece {
	var pieces []*piece
	last, began, end := (*piece)(nil), int64(0), int64(0)
	for _, number := range frames {
		one := f.index.frames[number]
		for at := one.offset; at < one.offset+one.length; at = end {
			part := at / f.index.part
			border := min((part+1)*f.index.part, one.offset+one.length)
			if last == nil || end != at || began/f.index.part != part ||
				border-began > f.stride {
				last, began = &piece{}, at
				pieces = append(pieces, last)
			}
			end = border
			last.segments = append(last.segments, segment{number, at, end})
		}
	}
	return pieces
}

func (f *fetching) work() {
	for {
		taken, attempt := f.take()
		if taken == nil {
			return
		}
		f.try(taken, attempt)
	}
}

func (f *fetching) try(of *piece, attempt *run) {
	came := func(one segment, data []byte) { f.arrived(of, one, data) }
	switch err := f.source.read(attempt, f.buffer, came).(type) {
	case nil:
		f.ended(of, attempt)
	case *again:
		f.retry(of, attempt, err)
	default:
		f.fail(err)
	}
	attempt.end(nil)
}

func (f *fetching) take() (*piece, *run) {
	f.lock.Lock()
	defer f.lock.Unlock()
	for !f.isOver {
		if found := f.next(time.Now()); found != nil {
			return found, f.begin(found)
		}
		f.change.Wait()
	}
	return nil, nil
}

func (f *fetching) begin(one *piece) *run {
	attempt := newRun(slices.Clone(one.segments))
	one.runs = append(one.runs, attempt)
	f.counts.requests++
	if !slices.Contains(f.flying, one) {
		f.flying = append(f.flying, one)
	}
	for _, each := range one.segments {
		f.open[each.frame] = true
	}
	return attempt
}

func (f *fetching) next(now time.Time) *piece {
	held := int64(0)
	for frame := range f.open {
		held += f.index.frames[frame].length
	}
	for at, one := range f.waiting {
		if one.after.After(now) {
			continue
		}
		// What has begun must end, or nothing is ever free.
		isBegun := !slices.ContainsFunc(one.segments, func(each segment) bool {
			return !f.open[each.frame]
		})
		if isBegun || held < f.memory {
			f.waiting = slices.Delete(f.waiting, at, at+1)
			return one
		}
	}
	return nil
}

// watch asks a second time for what is slower than all else, and gives up what is silent.
func (f *fetching) watch() {
	for range time.Tick(turn) {
		f.lock.Lock()
		if f.isOver {
			f.lock.Unlock()
			return
		}
		hedges := 0
		for _, one := range f.flying {
			if len(one.runs) > 1 {
				hedges++
			}
		}
		for _, one := range f.flying {
			for _, attempt := range one.runs {
				if time.Since(attempt.began)-time.Duration(attempt.last.Load()) > stallLimit {
					attempt.end(errStalled)
				}
			}
			if len(one.runs) == 1 && hedges < hedgeLimit && f.isSlow(one) {
				hedges++
				f.counts.hedges++
				go f.try(one, f.begin(one))
			}
		}
		f.lock.Unlock()
		// Some may have waited until now.
		f.change.Broadcast()
	}
}

func (f *fetching) isSlow(one *piece) bool {
	attempt, now := one.runs[0], time.Since(one.runs[0].began)
	if attempt.first.Load() == 0 {
		usual := 100 * time.Millisecond
		if len(f.firsts) > 0 {
			usual = middle(f.firsts)
		}
		return now > max(firstByte, 3*usual)
	}
	if now-time.Duration(attempt.last.Load()) > silence {
		return true
	}
	if len(f.rates) < 3 {
		return false
	}
	usual := float64(attempt.stop()-attempt.start()) / middle(f.rates)
	return now > max(firstByte, time.Duration(3*usual*float64(time.Second)))
}

func (f *fetching) retry(of *piece, attempt *run, why *again) {
	f.lock.Lock()
	of.runs = slices.DeleteFunc(of.runs, func(one *run) bool { return one == attempt })
	if of.isDone() {
		f.lock.Unlock()
		return
	}
	f.counts.retries++
	of.attempts++
	if len(of.runs) > 0 {
		// The other attempt goes on.
		f.lock.Unlock()
		return
	}
	attempts := of.attempts
	if attempts < why.limit {
		if !why.atOnce {
			pause := min(longestPause, firstPause<<attempts)
			of.after = time.Now().Add(time.Duration(float64(pause) * (0.5 + rand.Float64()/2)))
		}
		f.flying = slices.DeleteFunc(f.flying, func(one *piece) bool { return one == of })
		f.waiting = append([]*piece{of}, f.waiting...)
	}
	f.lock.Unlock()
	f.change.Broadcast()
	if attempts >= why.limit {
		f.fail(f.source.givenUp(why, attempts))
	}
}

// arrived takes a segment, from whichever run had it first, and hands on a frame that is whole.
func (f *fetching) arrived(of *piece, one segment, data []byte) {
	f.lock.Lock()
	if of.isDone() || of.segments[0] != one {
		f.spare = append(f.spare, data)
		f.lock.Unlock()
		return
	}
	of.segments = of.segments[1:]
	f.counts.bytes += int64(len(data))
	f.counts.fetched = time.Now()
	if of.isDone() {
		f.flying = slices.DeleteFunc(f.flying, func(each *piece) bool { return each == of })
	}
	if f.parts[one.frame] == nil {
		f.parts[one.frame] = map[int64][]byte{}
	}
	f.parts[one.frame][one.start] = data
	parts := inOrder(f.parts[one.frame])
	isWhole := lengthOf(parts) == f.index.frames[one.frame].length
	if isWhole {
		delete(f.parts, one.frame)
	}
	f.lock.Unlock()
	if isWhole {
		f.deliver(arrival{one.frame, parts})
	}
}

// ended learns from a run that fetched all it was to, and ends those that it overtook.
func (f *fetching) ended(of *piece, attempt *run) {
	f.lock.Lock()
	defer f.lock.Unlock()
	for _, other := range of.runs {
		if other != attempt {
			other.end(errOvertook)
		}
	}
	of.runs = nil
	spent := max(time.Since(attempt.began), time.Microsecond)
	f.rates = append(f.rates, float64(attempt.received)/spent.Seconds())
	first := time.Duration(attempt.first.Load())
	f.firsts = append(f.firsts, first)
	if f.counts.connected.IsZero() {
		f.counts.connected = attempt.began.Add(first)
	}
}

func (f *fetching) fail(err error) {
	f.stop()
	f.failed(err)
}

func foreign(frame, count int) *trouble {
	return &trouble{
		what: "the bundle in S3 is not the one that was deployed",
		why:  fmt.Sprintf("frame %d had another digest %d times", frame, count),
		hint: uploadHint,
	}
}

func inOrder(parts map[int64][]byte) [][]byte {
	var found [][]byte
	for _, at := range slices.Sorted(maps.Keys(parts)) {
		found = append(found, parts[at])
	}
	return found
}

func lengthOf(parts [][]byte) int64 {
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	return int64(length)
}

// middle is the median, or the greater of the two in the middle.
func middle[T cmp.Ordered](values []T) T {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
