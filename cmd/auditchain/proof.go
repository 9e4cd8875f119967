// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"

	"github.com/auditchain/auditchain/integrity"
)

// What the commands about checkpoints and proofs have in common.

// maxPublicKeyFile is far above any public key.
const maxPublicKeyFile = 1 << 10

// readPublicKey reads the public key of checkpoints: the key itself in base64,
// or a file that holds it. A public key is no secret: its file may have any
// mode.
func readPublicKey(arg string) (integrity.PublicKey, error) {
	if b, err := base64.StdEncoding.Strict().DecodeString(arg); err == nil && len(b) == 32 {
		return integrity.ParsePublicKey(integrity.KindCheckpoint, []byte(arg))
	}
	text, err := readFile(arg, maxPublicKeyFile)
	if err != nil {
		return integrity.PublicKey{}, fmt.Errorf("public key: %w (and it is not 32 bytes in base64 either)", err)
	}
	k, err := integrity.ParsePublicKey(integrity.KindCheckpoint, text)
	if err != nil {
		return k, fmt.Errorf("public key %q: %w", arg, err)
	}
	return k, nil
}

// readFile reads a whole file of a bounded size.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%q is larger than %d bytes: it is something else", path, limit)
	}
	return b, nil
}

// readNotes reads the checkpoints in a file.
func readNotes(path string) ([]integrity.Given, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	return integrity.ReadNotes(path, f)
}

// readNote reads the one checkpoint in a file: of several, the one of the size
// that is given.
func readNote(path string, size uint64) ([]byte, error) {
	notes, err := readNotes(path)
	if err != nil {
		return nil, err
	}
	var note []byte
	for _, n := range notes {
		c, err := integrity.ParseCheckpoint(n.Note)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		if size > 0 && c.Size != size || bytes.Equal(note, n.Note) {
			continue
		}
		if note != nil {
			return nil, fmt.Errorf("%q holds several checkpoints: name one by its size, or give a file with one", path)
		}
		note = n.Note
	}
	if note == nil {
		return nil, fmt.Errorf("%q holds no checkpoint of size %d", path, size)
	}
	return note, nil
}

// checkpointArg reads a size, or the name of a file that holds a checkpoint.
func checkpointArg(flag, arg string) (size uint64, note []byte, err error) {
	if size, err := strconv.ParseUint(arg, 10, 64); err == nil {
		if size == 0 {
			return 0, nil, usagef("%s 0: the smallest checkpoint has size 1", flag)
		}
		return size, nil, nil
	}
	note, err = readNote(arg, 0)
	if err != nil {
		err = fmt.Errorf("%s: %w", flag, err)
	}
	return 0, note, err
}

// recordJSON is a payload as JSON, without what must not leave the file
// (docs/SPEC.md, section 6).
func recordJSON(payload []byte) []byte {
	text := append(bytes.Clone(payload), '}')
	out := []byte{'{'}
	ok := eachMember(text, func(name, value []byte) bool {
		if string(name) == "blind" {
			return true
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), name...), `":`...)
		out = append(out, value...)
		return true
	})
	if !ok {
		return nil
	}
	return append(out, '}')
}
