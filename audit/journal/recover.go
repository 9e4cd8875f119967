// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// catchUp takes in the lines between the end that is known and size: those of
// other processes, or those that a crash kept from being acknowledged. Whole
// and genuine lines are accepted as what they are: written. The first that is
// no line begins the crash tail, which is set aside.
func (j *Journal) catchUp(size int64) error {
	c := &j.c
	r := newReader(j.path, io.NewSectionReader(c.file, c.tail.size, size-c.tail.size))
	r.off, r.line = c.tail.size, 0
	from := c.tail
	for {
		line, err := r.Next()
		if err == io.EOF {
			break
		}
		var bad *LineError
		if errors.As(err, &bad) {
			if err := j.setAside(size); err != nil {
				return err
			}
			break
		}
		if err != nil {
			return fmt.Errorf("%q: %w", j.path, err)
		}
		mac := c.sealer.MAC(c.tail.mac, c.tail.seq+1, line.Leaf(&c.leaf))
		if line.Seq != c.tail.seq+1 || line.MAC != mac {
			return j.fail(fmt.Errorf("%w: %q has a line at byte %d, after seq %d, that no writer with this key made; run: auditchain verify %s",
				ErrTampered, j.path, line.Offset, c.tail.seq, j.path))
		}
		c.tail = tail{seq: line.Seq, mac: mac, size: r.off}
		c.unsynced, c.unmarked = true, true
	}
	c.ids.absorb(from.seq, c.tail.seq)
	return nil
}

// setAside copies the crash tail, from the end that is known to size, into a
// file of its own, and puts chain.recovered in its place.
//
// The copy is durable before the tail is touched. The record is written over
// the beginning of the tail, with a NUL behind it, and then the rest is cut:
// a crash in between finds the record, and behind it a tail again, which
// cannot pass for lines because of the NUL. At no time are the bytes gone and
// not announced.
func (j *Journal) setAside(size int64) error {
	c := &j.c
	h := sha256.New()
	name, n, err := j.keep(c.tail.size, size, h)
	if err != nil {
		return err
	}
	at := c.begin()
	j.sealControl(&at, j.recovered(n, h, name))
	c.buf = append(c.buf, 0)
	if _, err := c.file.WriteAt(c.buf, c.tail.size); err != nil {
		c.ids.unstage()
		return fmt.Errorf("%w: %w (the crash tail is still there)", ErrWrite, err)
	}
	if err := c.file.Truncate(at.size); err != nil {
		return j.fail(fmt.Errorf("%q: crash tail: %w", j.path, err))
	}
	c.buf, c.written = c.buf[:0], at.size
	return j.persist(at, true)
}

func (j *Journal) recovered(n int64, h hash.Hash, name string) integrity.Recovered {
	return integrity.Recovered{
		Control: integrity.ControlRecovered, Time: j.now(), Writer: j.writer.String(),
		Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil)), KeptIn: filepath.Base(name),
	}
}

// maxTornNames bounds the search for a free name.
const maxTornNames = 1000

// keep copies the bytes from..to of the journal to a new file, durably, and
// returns its name. A name that is taken, whoever took it and by whatever, is
// passed over: nothing is overwritten, and nothing keeps a journal shut.
func (j *Journal) keep(from, to int64, h hash.Hash) (name string, n int64, err error) {
	base := j.path + tornInfix + strconv.FormatUint(j.c.tail.seq+1, 10)
	var f vfs.File
	for i := range maxTornNames {
		name = base
		if i > 0 {
			name += "." + strconv.Itoa(i)
		}
		f, err = j.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, vfs.ErrSymlink) {
			break
		}
	}
	if err != nil {
		return "", 0, fmt.Errorf("crash tail: %w", err)
	}
	n, err = io.Copy(io.MultiWriter(io.NewOffsetWriter(f, 0), h), io.NewSectionReader(j.c.file, from, to-from))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = j.fs.SyncDir(filepath.Dir(name))
	}
	if err != nil {
		// What is not whole must not be left to be taken for the tail.
		_ = j.fs.Remove(name)
		return "", 0, fmt.Errorf("crash tail: %q: %w", name, err)
	}
	return name, n, nil
}
