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
		c.unsaved = true
	}
	c.ids.absorb(from.seq, c.tail.seq)
	return nil
}

// setAside moves the crash tail, from the end that is known to size, into a
// file of its own and seals chain.recovered.
//
// The copy is durable before the tail is cut. A crash in between finds the
// same tail again, and the same copy; a crash after the cut finds the copy
// alone, which sealOrphan announces.
func (j *Journal) setAside(size int64) error {
	c := &j.c
	kept := j.tornName(c.tail.seq + 1)
	h := sha256.New()
	n, err := j.keep(kept, c.tail.size, size, h)
	if err != nil {
		return err
	}
	if err := c.file.Truncate(c.tail.size); err != nil {
		return j.fail(fmt.Errorf("%q: crash tail: %w", j.path, err))
	}
	at := c.begin()
	j.sealControl(&at, j.recovered(n, h, kept))
	return j.persist(at, true)
}

// sealOrphan announces a crash tail that was set aside by an opening that
// itself did not get to announce it.
func (j *Journal) sealOrphan(at *tail) error {
	name := j.tornName(at.seq + 1)
	f, err := j.fs.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("crash tail: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return fmt.Errorf("crash tail: %q: %w", name, err)
	}
	j.sealControl(at, j.recovered(n, h, name))
	return nil
}

func (j *Journal) recovered(n int64, h hash.Hash, name string) integrity.Recovered {
	return integrity.Recovered{
		Control: integrity.ControlRecovered, Time: j.now(), Writer: j.writer.String(),
		Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil)), KeptIn: filepath.Base(name),
	}
}

// tornName is where the bytes before the line with this seq are kept.
func (j *Journal) tornName(seq uint64) string {
	return j.path + tornInfix + strconv.FormatUint(seq, 10)
}

// keep copies the bytes from..to of the journal to a new file, durably. An
// earlier copy of the same seq, from an opening that crashed, is made anew:
// the bytes are still in the journal.
func (j *Journal) keep(name string, from, to int64, h hash.Hash) (n int64, err error) {
	if info, err := j.fs.Lstat(name); err == nil {
		if !info.Mode().IsRegular() {
			return 0, fmt.Errorf("%w: %q is not a regular file", ErrUnsafe, name)
		}
		if err := j.fs.Remove(name); err != nil {
			return 0, fmt.Errorf("crash tail: %w", err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("crash tail: %w", err)
	}
	f, err := j.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("crash tail: %w", err)
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
		return 0, fmt.Errorf("crash tail: %q: %w", name, err)
	}
	return n, nil
}
