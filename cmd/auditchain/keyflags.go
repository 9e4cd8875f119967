// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// keyOptions are the flags of a command that writes about its keys.
type keyOptions struct {
	keyFile           *string
	epochEvery        time.Duration
	epochRecords      int64
	checkpointKey     string
	checkpointEvery   time.Duration
	checkpointRecords int64
	erasureKey        string
	flags             *pflag.FlagSet
}

func keyFlags(cmd *cobra.Command, o *keyOptions) {
	o.keyFile = keyFileFlag(cmd)
	f := cmd.Flags()
	o.flags = f
	f.DurationVar(&o.epochEvery, "epoch-every", journal.DefaultEpoch.Every, "replace a forward-secure key after this time, if anything was sealed with it (0s: not by time)")
	f.Int64Var(&o.epochRecords, "epoch-records", journal.DefaultEpoch.Records, "replace a forward-secure key after so many lines (0: not by lines)")
	f.StringVar(&o.checkpointKey, "checkpoint-key", "", "file of the key that signs checkpoints (else FILE.checkpoint beside the key file, if it is there)")
	f.DurationVar(&o.checkpointEvery, "checkpoint-every", journal.DefaultCheckpoint.Every, "seal a checkpoint after this time, also when nothing is written (0s: not by time)")
	f.Int64Var(&o.checkpointRecords, "checkpoint-records", journal.DefaultCheckpoint.Records, "seal a checkpoint after so many lines (0: not by lines)")
	f.StringVar(&o.erasureKey, "erasure-key-public", "", "file of the public key of those who may have records erased, for a journal that is begun now")
}

// apply reads the keys, and puts them into the options of the journal at path.
func (o *keyOptions) apply(j *journal.Options, path string) error {
	switch {
	case o.epochEvery < 0 || o.epochEvery > 0 && o.epochEvery < time.Second:
		return usagef("--epoch-every %v is below 1s; write a duration such as 15m", o.epochEvery)
	case o.epochRecords < 0:
		return usagef("--epoch-records %d is negative", o.epochRecords)
	case o.checkpointEvery < 0 || o.checkpointEvery > 0 && o.checkpointEvery < time.Second:
		return usagef("--checkpoint-every %v is below 1s; write a duration such as 1m", o.checkpointEvery)
	case o.checkpointRecords < 0:
		return usagef("--checkpoint-records %d is negative", o.checkpointRecords)
	}
	key, err := openWriterKey(*o.keyFile)
	if err != nil {
		return err
	}
	if !key.key.Forward() && (o.flags.Changed("epoch-every") || o.flags.Changed("epoch-records")) {
		return usagef("--epoch-every and --epoch-records say when a forward-secure key is replaced, and key %s is a static one, which never is", key.key.ID())
	}
	key.apply(j)
	j.Epoch = journal.Epoch{Every: limit(o.epochEvery), Records: limit(o.epochRecords)}
	signer, err := signerOf(o.checkpointKey, key.src)
	if err != nil {
		return err
	}
	if signer.IsZero() && (o.flags.Changed("checkpoint-every") || o.flags.Changed("checkpoint-records")) {
		return usagef("--checkpoint-every and --checkpoint-records say when a checkpoint is signed, and there is no key for that: give --checkpoint-key FILE; auditchain key new --checkpoint FILE makes one")
	}
	if !signer.IsZero() {
		j.Checkpoint = journal.Checkpoint{Signer: signer, Every: limit(o.checkpointEvery), Records: limit(o.checkpointRecords)}
	}
	begun, known := beginningOf(path)
	if known && o.checkpointKey != "" && begun.Checkpoint == "" {
		return fmt.Errorf("--checkpoint-key: the journal %q was begun without a key for checkpoints, and never has any; leave the flag away, or begin another journal", path)
	}
	if o.erasureKey == "" {
		return nil
	}
	if j.ErasureKey, err = keyfile.LoadPublic(o.erasureKey, integrity.KindErasure); err != nil || !known {
		return err
	}
	return begun.sameErasureKey(path, j.ErasureKey)
}

// limit turns a flag, where 0 is no limit, into an option, where a negative
// number is.
func limit[T ~int64](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

// signerOf reads the key for checkpoints: that of the flag, else that beside
// the key file; the zero key where there is none.
func signerOf(flag string, src keyfile.Source) (integrity.SigningKey, error) {
	if flag != "" {
		return keyfile.LoadSigning(flag, integrity.KindCheckpoint)
	}
	return keyfile.BesideKey(src)
}

// journalBeginning is what the first line of a journal's file says of keys. It
// is not authenticated here, and need not be: it only tells a user early what
// would be ignored.
type journalBeginning struct {
	Control    string `json:"control"`
	Checkpoint string `json:"checkpoint_key"`
	Erasure    string `json:"erasure_key"`
}

// beginningOf reads the first line of the newest file of the journal at path;
// false where there is none, or none that can be read: Open says more about it.
func beginningOf(path string) (b journalBeginning, known bool) {
	if segments, err := journal.Segments(path); err == nil && len(segments) > 0 {
		path = segments[len(segments)-1].Path
	}
	f, err := openRegular(path)
	if err != nil {
		return b, false
	}
	defer f.Close()
	start := make([]byte, 64<<10)
	n, err := io.ReadFull(f, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return b, false
	}
	line, _, whole := bytes.Cut(start[:n], []byte("\n"))
	known = whole && json.Unmarshal(line, &b) == nil && strings.HasPrefix(b.Control, "chain.")
	return b, known
}

// sameErasureKey refuses an erasure key that the journal was not begun with: it
// would be ignored, and the erasures that somebody counts on with it.
func (b journalBeginning) sameErasureKey(path string, key integrity.PublicKey) error {
	switch b.Erasure {
	case key.Base64():
		return nil
	case "":
		return fmt.Errorf("--erasure-key-public: the journal %q was begun without an erasure key, and nothing can ever be erased from it; leave the flag away, or begin another journal", path)
	}
	id := "one that is no key"
	if k, err := integrity.ParsePublicKey(integrity.KindErasure, []byte(b.Erasure)); err == nil {
		id = k.ID()
	}
	return fmt.Errorf("--erasure-key-public: the journal %q was begun with another erasure key, %s, and no other counts in it; leave the flag away", path, id)
}
