package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"syscall"
)

// The folder in /tmp that a bundle is unpacked into, wideload-DIGEST, holds
//
//   - tree: the files, each put there whole by a rename;
//   - work: files that are being written, by their numbers in the index;
//   - complete: written last, when all is there: what each file looked like then.
//
// It is locked while a loader is at work in it. Nothing that is found is taken for what it
// should be: a file counts when its content has the index's digest, or when it is untouched
// since all was complete.
const (
	treeName     = "tree"
	workName     = "work"
	completeName = "complete"

	folderMode = fs.FileMode(0o700)
	megabyte   = 1_000_000
)

// folder is that folder. All in it is reached through top, which no link leads out of.
type folder struct {
	root    string
	index   *index
	top     *os.Root
	lock    *os.File
	folders map[string]bool // of the tree, below it
	isFresh bool            // whether it was made just now
}

// openFolder makes the folder where it was not, and waits while another loader is at work in it:
// that one ends, or is killed, and both let go of the lock.
func openFolder(root string, of *index) (*folder, error) {
	isFresh, err := makeRoot(root)
	if err != nil {
		return nil, full(root, err, of)
	}
	made := &folder{root: root, index: of, isFresh: isFresh, folders: map[string]bool{}}
	if made.top, err = os.OpenRoot(root); err != nil {
		return nil, full(root, err, of)
	}
	if made.lock, err = made.top.Open("."); err != nil {
		return nil, full(root, err, of)
	}
	opened, err := made.lock.Stat()
	if err != nil {
		return nil, err
	}
	if seen, err := os.Lstat(root); err != nil || !os.SameFile(seen, opened) || !isOwn(opened) {
		return nil, &trouble{what: root + " is not the loader's own"}
	}
	for {
		err := syscall.Flock(int(made.lock.Fd()), syscall.LOCK_EX)
		if err == nil {
			break
		}
		if err != syscall.EINTR {
			return nil, err
		}
	}
	return made, nil
}

// makeRoot makes the folder. What is there already counts only if it is a folder of our own.
func makeRoot(root string) (bool, error) {
	for range 8 {
		err := os.Mkdir(root, folderMode)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return false, err
		}
		found, err := os.Lstat(root)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return false, err
		case isOwn(found):
			return false, nil
		case found.IsDir():
			// Others may have been in it.
			err = os.Rename(root, root+"."+rand.Text()[:12]+".foreign")
		default:
			err = os.Remove(root)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, &trouble{
				what: root + " is there already and is not the loader's own", why: err.Error(),
			}
		}
	}
	return false, &trouble{what: root + " is made by somebody else again and again"}
}

func isOwn(found fs.FileInfo) bool {
	status, ok := found.Sys().(*syscall.Stat_t)
	return ok && found.IsDir() && found.Mode().Perm() == folderMode &&
		int(status.Uid) == os.Geteuid()
}

// prepare makes the folders in it.
func (f *folder) prepare() error {
	for _, name := range []string{treeName, workName} {
		if err := f.child(name); err != nil {
			return full(f.root, err, f.index)
		}
	}
	for _, one := range f.index.files {
		if err := f.above(path.Dir(one.path)); err != nil {
			return full(f.root, err, f.index)
		}
	}
	return nil
}

// above makes a folder of the tree and those that it lies in.
func (f *folder) above(name string) error {
	if name == "." || f.folders[name] {
		return nil
	}
	if err := f.above(path.Dir(name)); err != nil {
		return err
	}
	f.folders[name] = true
	return f.child(inTree(name))
}

// child makes a folder, anew where something else is there, a link above all.
func (f *folder) child(name string) error {
	err := f.top.Mkdir(name, folderMode)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	found, err := f.top.Lstat(name)
	if err != nil {
		return err
	}
	if !found.IsDir() {
		if err := f.top.Remove(name); err != nil {
			return err
		}
		return f.top.Mkdir(name, folderMode)
	}
	if found.Mode().Perm() != folderMode {
		return f.top.Chmod(name, folderMode)
	}
	return nil
}

// tidy removes what is there and is not the bundle's.
func (f *folder) tidy() error {
	wanted := map[string]bool{}
	for _, one := range f.index.files {
		wanted[inTree(one.path)] = true
	}
	if err := f.sift(treeName, wanted); err != nil {
		return err
	}
	work := map[string]bool{}
	for number := range f.index.files {
		if f.index.isSplit(number) {
			work[inWork(number)] = true
		}
	}
	if err := f.sift(workName, work); err != nil {
		return err
	}
	found, err := fs.ReadDir(f.top.FS(), ".")
	if err != nil {
		return err
	}
	for _, one := range found {
		switch one.Name() {
		case treeName, workName, completeName:
		default:
			if err := f.top.RemoveAll(one.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *folder) sift(within string, wanted map[string]bool) error {
	found, err := fs.ReadDir(f.top.FS(), within)
	if err != nil {
		return err
	}
	for _, one := range found {
		name := within + "/" + one.Name()
		below, _ := filepath.Rel(treeName, name)
		switch {
		case one.IsDir() && within != workName && f.folders[below]:
			err = f.sift(name, wanted)
		case one.Type().IsRegular() && wanted[name]:
		default:
			err = f.top.RemoveAll(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// room checks that so many bytes are free.
func (f *folder) room(wanted int64) error {
	if free, _ := space(f.root); free < wanted {
		return tooSmall(f.root, wanted)
	}
	return nil
}

// isRight says whether a file of the index lies in the tree with that content and mode.
func (f *folder) isRight(number int) bool {
	one := f.index.files[number]
	found, err := f.top.Lstat(inTree(one.path))
	if err != nil || found.Mode() != one.mode || found.Size() != one.size {
		return false
	}
	opened, err := f.top.Open(inTree(one.path))
	if err != nil {
		return false
	}
	defer opened.Close()
	return digestOf(opened, 0, one.size) == one.sha256
}

// resume opens a file of several frames to go on with what an earlier loader has written of it.
// Nothing is returned where there is nothing of use.
func (f *folder) resume(number int) *os.File {
	one, name := f.index.files[number], inWork(number)
	found, err := f.top.Lstat(name)
	if err != nil {
		// What is damaged may be mended.
		if err := f.top.Rename(inTree(one.path), name); err != nil {
			return nil
		}
		found, err = f.top.Lstat(name)
	}
	if err == nil && found.Mode().IsRegular() && found.Size() == one.size {
		if opened, err := f.top.OpenFile(name, os.O_RDWR, 0); err == nil {
			if opened.Chmod(one.mode) == nil {
				return opened
			}
			opened.Close()
		}
	}
	f.top.RemoveAll(name)
	return nil
}

// create makes a new file that is to be written.
func (f *folder) create(number int) (*os.File, error) {
	flags := os.O_RDWR | os.O_CREATE | os.O_EXCL
	made, err := f.top.OpenFile(inWork(number), flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		// Of a frame that is unpacked again.
		if err := f.top.RemoveAll(inWork(number)); err != nil {
			return nil, err
		}
		made, err = f.top.OpenFile(inWork(number), flags, 0o600)
	}
	if err != nil {
		return nil, err
	}
	// Whatever the umask, which is the function's own.
	return made, made.Chmod(f.index.files[number].mode)
}

// place closes a file that is whole, and puts it where it belongs.
func (f *folder) place(number int, opened *os.File) error {
	if err := opened.Close(); err != nil {
		return err
	}
	return f.top.Rename(inWork(number), inTree(f.index.files[number].path))
}

type note struct {
	Bundle string    `json:"bundle"`
	Files  [][]int64 `json:"files"`
}

// isUntouched says whether all was complete and nothing was touched since.
func (f *folder) isUntouched() bool {
	found, err := f.top.Lstat(completeName)
	if err != nil || !found.Mode().IsRegular() {
		return false
	}
	noted, err := f.top.ReadFile(completeName)
	if err != nil {
		return false
	}
	now, err := f.note()
	return err == nil && bytes.Equal(noted, now)
}

// complete notes that all is there.
func (f *folder) complete() error {
	if err := f.top.RemoveAll(workName); err != nil {
		return err
	}
	data, err := f.note()
	if err != nil {
		return err
	}
	if err := f.top.WriteFile(completeName+".new", data, 0o600); err != nil {
		return full(f.root, err, f.index)
	}
	return f.top.Rename(completeName+".new", completeName)
}

// incomplete takes the note back: something is to be mended.
func (f *folder) incomplete() error {
	return f.top.RemoveAll(completeName)
}

func (f *folder) note() ([]byte, error) {
	made := note{Bundle: f.index.sha256}
	for _, one := range f.index.files {
		found, err := f.top.Lstat(inTree(one.path))
		if err != nil {
			return nil, err
		}
		status, ok := found.Sys().(*syscall.Stat_t)
		if !ok {
			return nil, errors.ErrUnsupported
		}
		made.Files = append(made.Files, []int64{
			status.Size, int64(status.Mode), int64(status.Ino),
			status.Mtim.Nano(), status.Ctim.Nano(),
		})
	}
	return json.Marshal(made)
}

func inTree(name string) string { return treeName + "/" + name }

func inWork(number int) string { return workName + "/" + strconv.Itoa(number) }

func digestOf(from io.ReaderAt, start, length int64) digest {
	made := sha256.New()
	if _, err := io.Copy(made, io.NewSectionReader(from, start, length)); err != nil {
		return digest{}
	}
	return digest(made.Sum(nil))
}

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// full says what it means that /tmp cannot be written to.
func full(root string, err error, of *index) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		errors.Is(err, syscall.EFBIG) {
		return tooSmall(root, of.tmpBytes)
	}
	var known *trouble
	if errors.As(err, &known) {
		return known
	}
	return &trouble{what: root + " cannot be written to", why: err.Error()}
}

func tooSmall(root string, wanted int64) *trouble {
	free, size := space(root)
	return &trouble{
		what: "/tmp is too small for the function's files",
		why: fmt.Sprintf("%d MB are needed, %d of %d MB are free",
			(wanted+megabyte-1)/megabyte, free/megabyte, size/megabyte),
		hint: "give the function more ephemeral storage: `ephemeral` in wideload.toml, in MB, " +
			"up to 10240",
	}
}

// space is what is free, and what there is, of the disk that a folder is on.
func space(root string) (free, size int64) {
	var system syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(root), &system) != nil {
		return 0, 0
	}
	return int64(system.Bavail) * system.Frsize, int64(system.Blocks) * system.Frsize
}
