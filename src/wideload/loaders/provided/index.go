package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

const digestBytes = 32

type digest [digestBytes]byte

// frame is one zstd frame of the bundle: where it lies, and what it holds.
type frame struct {
	offset, length int64
	sha256         digest
	rawLength      int64
	rawSha256      digest
}

// file is what becomes of stretches of frames. It begins in the numbered frame, at an offset of
// that frame's content, and goes on in the next ones.
type file struct {
	path   string
	frame  int
	offset int64
	size   int64
	mode   os.FileMode
	sha256 digest
}

// stretch is a piece of a file, as it lies in a frame.
type stretch struct {
	file          int
	start, length int64
}

// index is what the function's zip knows of the bundle, see docs/reference/bundle-format.md.
type index struct {
	sha256         string
	size, part     int64
	tmpBytes       int64
	frames         []frame
	files          []file
	stretches      [][]stretch // of each frame, in order
	largestContent int64       // of a frame
}

type written struct {
	Format      int
	Compression string
	Sha256      string
	Size        int64
	Part        int64
	TmpBytes    int64             `json:"tmp_bytes"`
	Frames      []json.RawMessage `json:"frames"`
	Files       []json.RawMessage `json:"files"`
	Digests     string
}

func readIndex(path string) (*index, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseIndex(data)
}

func parseIndex(data []byte) (*index, error) {
	var read written
	if err := json.Unmarshal(data, &read); err != nil {
		return nil, damaged(err.Error())
	}
	if read.Format != 1 && (read.Format != 2 || read.Compression != "zstd") {
		return nil, &trouble{
			what: fmt.Sprintf("the bundle's format is %d %s, which this loader does not read",
				read.Format, read.Compression),
			hint: "build and deploy the function again",
		}
	}
	found := &index{
		sha256: read.Sha256, size: read.Size, part: read.Part, tmpBytes: read.TmpBytes,
	}
	digests, err := base64.StdEncoding.DecodeString(read.Digests)
	if err != nil || len(digests) != digestBytes*len(read.Files) || found.part <= 0 {
		return nil, damaged("it does not have a digest for each file")
	}
	for _, one := range read.Frames {
		if err := found.addFrame(one); err != nil {
			return nil, err
		}
	}
	for number, one := range read.Files {
		if err := found.addFile(one, digest(digests[number*digestBytes:])); err != nil {
			return nil, err
		}
	}
	return found, found.lay()
}

func (x *index) addFrame(data []byte) error {
	var one frame
	var sha256, rawSha256 string
	fields := []any{&one.offset, &one.length, &sha256, &one.rawLength, &rawSha256}
	if err := json.Unmarshal(data, &fields); err != nil {
		return damaged(err.Error())
	}
	if !readDigest(sha256, &one.sha256) || !readDigest(rawSha256, &one.rawSha256) {
		return damaged("a digest is none")
	}
	if one.length <= 0 || one.rawLength < 0 || one.offset < 0 || one.offset+one.length > x.size {
		return damaged("a frame is not in the bundle")
	}
	x.frames = append(x.frames, one)
	x.largestContent = max(x.largestContent, one.rawLength)
	return nil
}

func (x *index) addFile(data []byte, sha256 digest) error {
	one := file{sha256: sha256}
	fields := []any{&one.path, &one.frame, &one.offset, &one.size, &one.mode}
	if err := json.Unmarshal(data, &fields); err != nil {
		return damaged(err.Error())
	}
	if !filepath.IsLocal(one.path) || filepath.Clean(one.path) != one.path || one.path == "." {
		return damaged(fmt.Sprintf("%q is no path", one.path))
	}
	if one.mode&^0o755 != 0 || one.size < 0 {
		return damaged("a file's mode or size is none")
	}
	x.files = append(x.files, one)
	return nil
}

// lay finds which stretches each frame holds. Together they must be the frames' content, all of
// it once: so what is written is right when each frame is.
func (x *index) lay() error {
	x.stretches = make([][]stretch, len(x.frames))
	at, inside := 0, int64(0)
	for number, one := range x.files {
		for at < len(x.frames) && inside == x.frames[at].rawLength && one.frame != at {
			at, inside = at+1, 0
		}
		if one.frame != at || one.offset != inside {
			return damaged(fmt.Sprintf("%q does not begin where the one before it ends", one.path))
		}
		for start := int64(0); ; {
			if at >= len(x.frames) {
				return damaged(fmt.Sprintf("%q is longer than what there is", one.path))
			}
			length := min(one.size-start, x.frames[at].rawLength-inside)
			x.stretches[at] = append(x.stretches[at], stretch{number, start, length})
			start, inside = start+length, inside+length
			if start == one.size {
				break
			}
			at, inside = at+1, 0
		}
	}
	if len(x.frames) > 0 && (at != len(x.frames)-1 || inside != x.frames[at].rawLength) {
		return damaged("a frame has content that is no file's")
	}
	return nil
}

// isSplit says whether a file lies in several frames, which then hold nothing else.
func (x *index) isSplit(number int) bool {
	one := x.files[number]
	return one.offset+one.size > x.frames[one.frame].rawLength
}

func readDigest(text string, to *digest) bool {
	read, err := hex.DecodeString(text)
	return err == nil && copy(to[:], read) == digestBytes && len(read) == digestBytes
}

func damaged(why string) *trouble {
	return &trouble{
		what: "the index of the bundle is damaged", why: why,
		hint: "build and deploy the function again",
	}
}
