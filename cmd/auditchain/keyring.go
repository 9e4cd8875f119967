// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// keyRing is what a reading command knows of the keys of a chain.
type keyRing struct {
	// Key is the one to begin with: a verification key where there is one.
	Key integrity.Key
	// State is what a key file says of where its chain had got: the first one
	// that says so.
	State integrity.KeyState
	// Keys are the further keys, each once.
	Keys []integrity.Key
	// Name says where Key came from, for messages.
	Name string
}

// keyRingHelp is what a reading command says of its keys, behind
// keySourceHelp.
const keyRingHelp = `--key-file may be given several times: the verification key, and the keys that the
chain had before. Keys that auditchain key rotate left beside a key file, under its
name and their id, are taken along.`

// keyRingFlag is --key-file of a command that reads.
func keyRingFlag(cmd *cobra.Command) *[]string {
	return cmd.Flags().StringArray("key-file", nil, "file that holds a key of the chain; may be repeated (else AUDITCHAIN_KEY_FILE, else the systemd credential auditchain.key)")
}

// loadKeyRing reads the keys in files, and those beside them: FILE.<key id>
// and FILE.next.
// Without files, it finds the key as a command that writes does.
func loadKeyRing(files []string) (keyRing, error) {
	var found []foundKey
	if len(files) == 0 {
		files = []string{""}
	}
	for _, file := range files {
		if file == "" && len(files) > 1 {
			return keyRing{}, errors.New("the name of a key file is empty")
		}
		more, err := findKeys(file)
		if err != nil {
			return keyRing{}, err
		}
		found = append(found, more...)
	}
	main := found[0]
	for _, k := range found {
		// That of the key given first goes before that of another one.
		if k.state.Key.VerifyOnly() && (!main.state.Key.VerifyOnly() || k.state.Key.Same(found[0].state.Key) && !main.state.Key.Same(found[0].state.Key)) {
			main = k
		}
	}
	ring := keyRing{Key: main.state.Key, Name: main.name}
	for _, k := range found {
		if k.state.Bound() && !ring.State.Bound() {
			ring.State = k.state
		}
		ring.add(k.state.Key)
	}
	return ring, nil
}

// add takes a key in. Of one key at two epochs, the earlier one does all that
// the later one does.
func (r *keyRing) add(k integrity.Key) {
	earlier := func(old *integrity.Key) {
		if k.Epoch() < old.Epoch() {
			*old = k
		}
	}
	if k.Same(r.Key) {
		earlier(&r.Key)
		return
	}
	if i := slices.IndexFunc(r.Keys, k.Same); i >= 0 {
		earlier(&r.Keys[i])
		return
	}
	r.Keys = append(r.Keys, k)
}

type foundKey struct {
	state integrity.KeyState
	name  string
}

// findKeys reads the key that the flag names, and those beside it.
func findKeys(flag string) ([]foundKey, error) {
	state, name, src, err := loadKeyState(flag)
	if err != nil {
		return nil, err
	}
	found := []foundKey{{state, name}}
	if src.File == "" {
		return found, nil
	}
	beside, err := keysBeside(src.File)
	if err != nil {
		return nil, err
	}
	for _, file := range beside {
		s, err := keyfile.LoadState(keyfile.Source{File: file})
		if errors.Is(err, keyfile.ErrNoKey) {
			continue // a rotation has just put it in its place
		}
		if err != nil {
			return nil, fmt.Errorf("a key beside %q: %w", src.File, err)
		}
		found = append(found, foundKey{s, file})
	}
	return found, nil
}

// keysBeside lists the files FILE.<key id> beside a key file, sorted, and the
// key that a rotation has put there to take its place: after a crash, the
// chain may be under that one already.
func keysBeside(file string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(file))
	if errors.Is(err, fs.ErrPermission) {
		return nil, nil // a folder that can be passed through and not be read
	}
	if err != nil {
		return nil, fmt.Errorf("keys beside %q: %w", file, err)
	}
	var beside []string
	for _, e := range entries {
		id, ok := strings.CutPrefix(e.Name(), filepath.Base(file)+".")
		if ok && (isKeyID(id) || "."+id == keyfile.NextSuffix) && !e.IsDir() {
			beside = append(beside, file+"."+id)
		}
	}
	return beside, nil
}

// isKeyID reports whether s has the form of a key id.
func isKeyID(s string) bool {
	return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == ""
}

// loadKeyState finds a key, with all that its file says.
func loadKeyState(flag string) (integrity.KeyState, string, keyfile.Source, error) {
	src, err := keyfile.Find(flag)
	if err != nil {
		return integrity.KeyState{}, "", src, err
	}
	name := src.File
	if name == "" {
		name = "credential " + src.Credential
	}
	state, err := keyfile.LoadState(src)
	if err != nil && flag == "" && src.File != "" {
		err = fmt.Errorf("%s: %w", keyfile.FileEnv, err)
	}
	return state, name, src, err
}
