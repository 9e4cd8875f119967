// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// keyRotateOptions are the flags of key rotate.
type keyRotateOptions struct {
	keyFile       *string
	newKeyFile    string
	static        bool
	checkpointKey string
	newCheckpoint string
	show          showOptions
	json          bool
}

func (a *app) keyRotateCommand() *cobra.Command {
	var o keyRotateOptions
	cmd := &cobra.Command{
		Use:   "rotate JOURNAL",
		Short: "Go on under another key, or with another key for checkpoints",
		Long: `Makes a new key, has the journal go on under it, and puts it in the place of the key
file. The one before stays beside it, as FILE.<key id>: with it, and the new one, the
whole chain verifies (of forward-secure keys, with their verification keys). Writers
that have the key from the same file need not be stopped. The new key is of the same
kind as one that key new makes: its verification key is shown once, before anything
changes (--verification-key-out, --show and --static are as there).

With --new-key-file NEW, the key in NEW, which was made before, takes that place, and
NEW is removed. A key that comes from a credential cannot be replaced there: give NEW,
and put it in the place of the credential, before a writer is started again.

With --new-checkpoint-key NEW, it is the key for checkpoints that changes: both sign
for it, and the file of --checkpoint-key (else FILE.checkpoint) then holds the new one.
The one before stays beside it under its id. Stop the writers first, or start them
anew afterwards.

A crash at any place leaves a journal that goes on: run the same command again.

` + keySourceHelp + `

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitInterrupted),
		Example: `  auditchain key rotate --key-file audit.key audit.jsonl
  auditchain key rotate --verification-key-out /media/usb/audit.verify2 audit.jsonl
  auditchain key new --checkpoint next.checkpoint
  auditchain key rotate --new-checkpoint-key next.checkpoint audit.jsonl`,
		Args: oneArg("journal"),
	}
	o.keyFile = keyFileFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&o.newKeyFile, "new-key-file", "", "file of the key to go on under (else a new one is made)")
	f.BoolVar(&o.static, "static", false, "make a static key")
	f.StringVar(&o.checkpointKey, "checkpoint-key", "", "file of the key that signs checkpoints now (else FILE.checkpoint beside the key file, if it is there)")
	f.StringVar(&o.newCheckpoint, "new-checkpoint-key", "", "file of the key that signs checkpoints from now on")
	showFlags(cmd, &o.show)
	f.BoolVar(&o.json, "json", false, `print one JSON object: {"key_id","file","kind","old_key_id","old_file",...}`)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case o.newCheckpoint != "" && (o.newKeyFile != "" || o.static || o.show.any()):
			return usagef("--new-checkpoint-key changes the key for checkpoints alone: change the key of the chain before it or after it")
		case o.newKeyFile != "" && (o.static || o.show.any()):
			return usagef("--new-key-file names a key that was made before: --static, --verification-key-out, --show and --qr are for one that is made now")
		case o.static && o.show.any():
			return usagef("a static key has no verification key: leave --verification-key-out, --show and --qr away, or --static")
		case o.newCheckpoint != "":
			return a.rotateSigner(cmd.Context(), args[0], o)
		}
		return a.rotateKey(cmd.Context(), args[0], o)
	}
	return cmd
}

// rotatedKey is the output of key rotate --json.
type rotatedKey struct {
	KeyID   string `json:"key_id"`
	File    string `json:"file"`
	Kind    string `json:"kind"`
	OldID   string `json:"old_key_id"`
	OldFile string `json:"old_file,omitempty"`
	shownKey
	completed bool // an earlier run showed the verification key
}

// rotateKey has the journal at path go on under another key.
func (a *app) rotateKey(ctx context.Context, path string, o keyRotateOptions) error {
	if err := somethingThere(path); err != nil {
		return err
	}
	var show *shower
	if o.newKeyFile == "" && !o.static {
		var err error
		if show, err = a.shower(o.show, o.json, "nothing was changed"); err != nil {
			return err
		}
	}
	key, err := openWriterKey(*o.keyFile)
	if err != nil {
		return err
	}
	store, _ := key.store.(*keyfile.Store)
	if store == nil && o.newKeyFile == "" {
		return errors.New("the key comes from where it cannot be replaced: make one with auditchain key new --static NEW, run this with --new-key-file NEW, and put it where the key comes from")
	}
	incoming, err := loadIncoming(o, key.key)
	if err != nil {
		return err
	}
	signer, err := signerOf(o.checkpointKey, key.src)
	if err != nil {
		return err
	}
	before := key.key.ID() // a journal may wipe the key that it was given
	j, err := a.openToRotate(ctx, path, key, signer)
	if err != nil {
		return err
	}
	r := rotatedKey{OldID: before, File: key.src.File}
	if store == nil {
		r.File = o.newKeyFile
		err = j.RotateKey(ctx, incoming, nil)
	} else {
		incoming, err = a.replaceKey(ctx, j, store, incoming, &r, show, o)
	}
	if cerr := j.Close(); cerr != nil && err == nil {
		err = fmt.Errorf("the key is changed, but the journal could not be closed: %w", cerr)
	}
	if err != nil {
		return err
	}
	r.KeyID, r.Kind = incoming.Key.ID(), incoming.Key.Mode()
	return a.printRotated(r, store, show, o)
}

// replaceKey stages the incoming key, shows its verification key, and changes
// the chain to it. Where opening the journal has completed a change that was
// interrupted, it is that one, and nothing more is done.
func (a *app) replaceKey(ctx context.Context, j *journal.Journal, store *keyfile.Store, incoming integrity.KeyState, r *rotatedKey, show *shower, o keyRotateOptions) (integrity.KeyState, error) {
	now, err := store.Load()
	if err != nil {
		return now, err
	}
	if now.Key.ID() != r.OldID {
		r.completed = true
		fmt.Fprintln(a.stderr, "a change of the key that was interrupted is completed; to change the key once more, run this again")
		return now, a.removeIncoming(o, now)
	}
	if staged, err := store.Staged(); err == nil && incoming.Key.IsZero() && (show != nil) == staged.Key.Forward() {
		incoming = staged // and nobody can know whether its verification key was seen
	}
	if incoming.Key.IsZero() {
		generate := integrity.GenerateForwardKey
		if o.static {
			generate = integrity.GenerateKey
		}
		if incoming.Key, err = generate(); err != nil {
			return incoming, err
		}
	}
	if incoming.Key.Forward() && show != nil {
		var n newKeys
		show.add(&n, incoming.Key)
		undo, err := keyfile.CreateAll(n.files...)
		if err != nil {
			return incoming, err
		}
		if err := store.Stage(incoming); err != nil {
			undo()
			return incoming, err
		}
		if !o.json {
			err = show.show(incoming.Key)
		} else {
			r.shownKey = show.json(incoming.Key)
		}
		if err != nil {
			return incoming, fmt.Errorf("%w; the verification key could not be shown, and nothing was changed: run this again", err)
		}
	} else if err := store.Stage(incoming); err != nil {
		return incoming, err
	}
	if err := j.RotateKey(ctx, incoming, store.Swap); err != nil {
		return incoming, err
	}
	return incoming, a.removeIncoming(o, incoming)
}

// removeIncoming removes the file of the key that has taken its place: it would
// hold the key of an epoch that is to be forgotten.
func (a *app) removeIncoming(o keyRotateOptions, now integrity.KeyState) error {
	if o.newKeyFile == "" {
		return nil
	}
	state, err := keyfile.LoadState(keyfile.Source{File: o.newKeyFile})
	if err != nil || !state.Key.Same(now.Key) {
		return nil //nolint:nilerr // it is none of this
	}
	if err := keyfile.Remove(o.newKeyFile); err != nil {
		return fmt.Errorf("the key is changed, and %q could not be removed, which it must be: %w", o.newKeyFile, err)
	}
	return nil
}

// newKeyTodo is said where the file of a new key is missing.
const newKeyTodo = "make it with: auditchain key new FILE; after a run that was interrupted, it may be in its place already"

// loadIncoming reads the key of --new-key-file; the zero state without it.
func loadIncoming(o keyRotateOptions, now integrity.Key) (integrity.KeyState, error) {
	if o.newKeyFile == "" {
		return integrity.KeyState{}, nil
	}
	state, err := keyfile.LoadState(keyfile.Source{File: o.newKeyFile})
	switch {
	case err != nil:
		return state, fmt.Errorf("--new-key-file: %w", keyfile.IfMissing(err, newKeyTodo))
	case state.Key.VerifyOnly():
		return state, fmt.Errorf("--new-key-file %q: %w", o.newKeyFile, integrity.ErrVerifyOnly)
	case state.Key.Same(now):
		return state, fmt.Errorf("--new-key-file %q holds the key that is in use, %s; where a change to it was interrupted, that is complete: remove %s", o.newKeyFile, now.ID(), shellWord(o.newKeyFile))
	}
	return state, nil
}

func (a *app) openToRotate(ctx context.Context, path string, key writerKey, signer integrity.SigningKey) (*journal.Journal, error) {
	warn := &notes{w: a.stderr}
	options := journal.Options{Report: warn.report, Version: moduleVersion(), Checkpoint: journal.Checkpoint{Signer: signer}}
	key.apply(&options)
	j, err := journal.Open(ctx, path, options)
	switch {
	case err == nil:
		return j, nil
	case ctx.Err() != nil:
		return nil, &exitError{code: exitInterrupted, err: errors.New("interrupted before the journal was open; nothing was changed")}
	case errors.Is(err, journal.ErrTampered) || errors.Is(err, journal.ErrTruncated):
		return nil, &exitError{code: exitTampered, err: err}
	}
	return nil, err
}

func (a *app) printRotated(r rotatedKey, store *keyfile.Store, show *shower, o keyRotateOptions) error {
	if store != nil {
		r.OldFile = store.KeptAs(r.OldID)
	}
	var err error
	if o.json {
		err = json.NewEncoder(a.stdout).Encode(r)
	} else {
		_, err = fmt.Fprintln(a.stdout, r.KeyID)
	}
	if err != nil {
		return err
	}
	if store == nil {
		fmt.Fprintf(a.stderr, "the journal goes on under key %s. Next:\n"+
			"  put %s in the place of the key that the writers are given, before they start again\n"+
			"  keep key %s, or its verification key where it has one: it verifies what was sealed before\n", r.KeyID, shellWord(r.File), r.OldID)
		return nil
	}
	fmt.Fprintf(a.stderr, "the journal goes on under key %s (%s), which is in %s. Next:\n"+
		"  keep %s, the key before this one, or its verification key where it has\n"+
		"  one: it verifies what was sealed before\n", r.KeyID, r.Kind, shellWord(r.File), shellWord(r.OldFile))
	if show != nil && !r.completed {
		show.next(a.stderr)
	}
	return nil
}

// rotateSigner has the journal at path go on with another key for checkpoints.
func (a *app) rotateSigner(ctx context.Context, path string, o keyRotateOptions) error {
	if err := somethingThere(path); err != nil {
		return err
	}
	key, err := openWriterKey(*o.keyFile)
	if err != nil {
		return err
	}
	file := o.checkpointKey
	if file == "" && key.src.File != "" {
		file = key.src.File + keyfile.CheckpointSuffix
	}
	if file == "" {
		return usagef("the key that signs checkpoints now is not named: give --checkpoint-key FILE")
	}
	outgoing, err := keyfile.LoadSigning(file, integrity.KindCheckpoint)
	if err != nil {
		return fmt.Errorf("--checkpoint-key: %w", keyfile.IfMissing(err, "name the key that signs the journal's checkpoints now"))
	}
	incoming, err := keyfile.LoadSigning(o.newCheckpoint, integrity.KindCheckpoint)
	if err != nil {
		return fmt.Errorf("--new-checkpoint-key: %w", keyfile.IfMissing(err, "make it with: auditchain key new --checkpoint FILE"))
	}
	if outgoing.ID() == incoming.ID() {
		return fmt.Errorf("--new-checkpoint-key %q holds the key that is in use, %s; where a change to it was interrupted, that is complete: remove %s", o.newCheckpoint, incoming.ID(), shellWord(o.newCheckpoint))
	}
	j, err := a.openToRotate(ctx, path, key, outgoing)
	if errors.Is(err, journal.ErrWrongKey) {
		// The chain may be further than the files, after a crash.
		if again, aerr := a.openToRotate(ctx, path, key, incoming); aerr == nil {
			j, err = again, nil
		}
	}
	if err != nil {
		return err
	}
	err = j.RotateSigner(ctx, incoming)
	if cerr := j.Close(); cerr != nil && err == nil {
		err = fmt.Errorf("the key for checkpoints is changed, but the journal could not be closed: %w", cerr)
	}
	if err != nil {
		return err
	}
	kept := file + "." + outgoing.ID()
	public := func(name string) string { return name + keyfile.PublicSuffix }
	if err := publicFile(public(file), outgoing); err != nil {
		return err
	}
	if err := publicFile(public(o.newCheckpoint), incoming); err != nil {
		return err
	}
	if err = keyfile.Supersede(public(file), public(o.newCheckpoint), public(kept)); err == nil {
		err = keyfile.Supersede(file, o.newCheckpoint, kept)
	}
	if err != nil {
		return fmt.Errorf("the journal goes on with key %s for checkpoints, and the files could not be changed: run this again, or put %s in the place of %s: %w", incoming.ID(), shellWord(o.newCheckpoint), shellWord(file), err)
	}
	r := rotatedKey{KeyID: incoming.ID(), File: file, Kind: integrity.KindCheckpoint, OldID: outgoing.ID(), OldFile: kept}
	if o.json {
		err = json.NewEncoder(a.stdout).Encode(r)
	} else {
		_, err = fmt.Fprintln(a.stdout, r.KeyID)
	}
	fmt.Fprintf(a.stderr, "checkpoints are signed by key %s from now on, which is in %s. Next:\n"+
		"  start writers anew that run with the one before\n"+
		"  give %s to those who check checkpoints\n", r.KeyID, shellWord(file), shellWord(public(file)))
	return err
}

// publicFile makes the file of a public key where it is missing.
func publicFile(file string, key integrity.SigningKey) error {
	_, err := keyfile.LoadPublic(file, key.Kind())
	if errors.Is(err, keyfile.ErrNoKey) {
		_, err = keyfile.CreateAll(keyfile.NewFile{Path: file, Text: key.Public().Text(), Mode: keyfile.PublicMode})
	}
	return err
}
