// Package zstd decompresses with libzstd: zstd.c and zstd.h, which are put beside this file when
// it is built, are those that the pinned `zstandard` brings, so what packs a bundle unpacks it.
package zstd

// #include "zstd.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// Decoder decompresses one frame at a time.
type Decoder struct {
	context *C.ZSTD_DCtx
	packed  []byte
}

// NewDecoder makes a decoder, which is never freed: the process that has it becomes another.
func NewDecoder() *Decoder { return &Decoder{context: C.ZSTD_createDCtx()} }

// Decode decompresses one frame, given in parts, into a buffer as long as its content.
func (d *Decoder) Decode(into []byte, parts [][]byte) error {
	packed := parts[0]
	if len(parts) > 1 {
		d.packed = d.packed[:0]
		for _, part := range parts {
			d.packed = append(d.packed, part...)
		}
		packed = d.packed
	}
	if d.context == nil || len(packed) == 0 {
		return errors.New("there is nothing to decompress, or no memory")
	}
	made := C.ZSTD_decompressDCtx(
		d.context,
		unsafe.Pointer(unsafe.SliceData(into)), C.size_t(len(into)),
		unsafe.Pointer(unsafe.SliceData(packed)), C.size_t(len(packed)),
	)
	if C.ZSTD_isError(made) != 0 {
		return errors.New(C.GoString(C.ZSTD_getErrorName(made)))
	}
	if int(made) != len(into) {
		return fmt.Errorf("it holds %d bytes, not %d", int(made), len(into))
	}
	return nil
}
