// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// keyNewOptions are the flags of key new.
type keyNewOptions struct {
	static, erasure, checkpoint bool
	noCheckpoint                bool
	show                        showOptions
	json                        bool
}

func (a *app) keyNewCommand() *cobra.Command {
	var o keyNewOptions
	cmd := &cobra.Command{
		Use:   "new FILE",
		Short: "Make a new random key",
		Long: `Makes a new random key, writes it to FILE, and prints its key id. No file that
exists is ever overwritten, and either all of the files are made or none. FILE is
made last, and is on disk before anything is shown.

The key is forward-secure: it is replaced while a journal is written, so that who
takes over the host gets nothing that can alter what was sealed before. To verify
all of it one needs the key as it was at first, the verification key. It is in no
file of the host: it is shown once, as text and as a QR code, or written where
--verification-key-out says. Keep it away from this host. Whoever has it can verify
everything, and forge everything; without it, what was sealed under a key that is
spent can never be proven again.
So that it is not lost unseen, or kept in the log of a script, it is shown on a
terminal only. Where there is none, or the environment variable CI is set, key new
makes nothing, unless one of these says what is to become of it:
  --verification-key-out FILE   write it there, such as to a USB stick
  --show                        print it on standard output, with --json too
  --static                      there is none: FILE verifies everything, and forges
                                everything, for as long as it is on the host

Beside FILE come FILE.checkpoint, a key that signs checkpoints of the journal, and
FILE.checkpoint.pub, with which anybody can check these without a secret. Commands
that write use it where they find it. (--no-checkpoint-key makes none. A chain that
is begun without one never has checkpoints.)

With --erasure or --checkpoint, FILE is such a key alone, and FILE.pub its public
key. The erasure key is to be made and kept elsewhere: who has it can have records
taken out of a journal that was begun with append --erasure-key-public FILE.pub.

With --key-url or AUDITCHAIN_KEY_URL, the files that hold a secret are encrypted with
the key that the URL names, but for the verification key, which is for elsewhere.

` + exitCodes(exitDone, exitFailed, exitUsage),
		Example: `  auditchain key new audit.key
  auditchain key new --verification-key-out /media/usb/audit.verify audit.key
  auditchain key new --erasure erasure.key
  export AUDITCHAIN_KEY_FILE=audit.key`,
		Args: oneArg("file to write the key to"),
	}
	f := cmd.Flags()
	f.BoolVar(&o.static, "static", false, "make a key that is never replaced, for where none can be: an environment variable, a credential")
	f.BoolVar(&o.noCheckpoint, "no-checkpoint-key", false, "make no key for checkpoints")
	f.BoolVar(&o.erasure, "erasure", false, "make an erasure key")
	f.BoolVar(&o.checkpoint, "checkpoint", false, "make a key for checkpoints alone")
	showFlags(cmd, &o.show)
	f.BoolVar(&o.json, "json", false, `print one JSON object: {"key_id","file","kind",...}`)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file := args[0]
		if o.erasure || o.checkpoint {
			switch {
			case o.erasure && o.checkpoint:
				return usagef("--erasure and --checkpoint exclude each other: make them one after the other")
			case o.static || o.noCheckpoint || o.show.any():
				return usagef("--static, --no-checkpoint-key, --verification-key-out, --show and --qr are about the key that a chain is written with, which is not made with --erasure and --checkpoint")
			case o.erasure:
				return a.newSigningKey(file, integrity.KindErasure, o.json)
			}
			return a.newSigningKey(file, integrity.KindCheckpoint, o.json)
		}
		return a.newKey(file, o)
	}
	return cmd
}

// newKeyInfo is the output of key new --json.
type newKeyInfo struct {
	KeyID string `json:"key_id"`
	File  string `json:"file"`
	Kind  string `json:"kind"`
	// Public is the file of the public key, of a signing key.
	Public     string      `json:"public_file,omitempty"`
	Encrypted  bool        `json:"encrypted,omitempty"`
	Checkpoint *newKeyInfo `json:"checkpoint_key,omitempty"`
	shownKey
}

// newKey makes a key that a chain is written with.
func (a *app) newKey(file string, o keyNewOptions) error {
	if o.static && o.show.any() {
		return usagef("a static key has no verification key: leave --verification-key-out, --show and --qr away, or --static")
	}
	var show *shower
	generate := integrity.GenerateKey
	if !o.static {
		generate = integrity.GenerateForwardKey
		var err error
		if show, err = a.shower(o.show, o.json, "nothing was made"); err != nil {
			return err
		}
	}
	key, err := generate()
	if err != nil {
		return err
	}
	n := &newKeys{info: newKeyInfo{KeyID: key.ID(), File: file, Kind: key.Mode()}}
	if show != nil {
		show.add(n, key)
	}
	if !o.noCheckpoint {
		sign, err := n.signing(file+keyfile.CheckpointSuffix, integrity.KindCheckpoint)
		if err != nil {
			return err
		}
		n.info.Checkpoint = &sign
	}
	if err := n.secret(file, key.Text()); err != nil {
		return err
	}
	n.info.Encrypted = n.crypt != nil
	if err := a.make(n, show, key, o.json); err != nil {
		return err
	}
	a.nextSteps(n.info, show)
	return nil
}

// newSigningKey makes an Ed25519 key.
func (a *app) newSigningKey(file, kind string, asJSON bool) error {
	n := &newKeys{}
	info, err := n.signing(file, kind)
	if err != nil {
		return err
	}
	n.info = info
	n.info.Encrypted = n.crypt != nil
	if err := a.make(n, nil, integrity.Key{}, asJSON); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s key %s is in %s, and its public key in %s. Next:\n", kind, info.KeyID, shellWord(file), shellWord(info.Public))
	if kind == integrity.KindErasure {
		fmt.Fprintf(a.stderr, "  take %s away from every host that writes: with it, records can be taken out\n"+
			"  name the public key when a chain is begun: auditchain append --erasure-key-public %s JOURNAL\n", shellWord(file), shellWord(info.Public))
		return nil
	}
	fmt.Fprintf(a.stderr, "  give the public key to those who are to check checkpoints\n"+
		"  auditchain append --checkpoint-key %s JOURNAL\n", shellWord(file))
	return nil
}

// newKeys are the files of a new key, in the order in which they are made.
type newKeys struct {
	files []keyfile.NewFile
	info  newKeyInfo
	crypt keyfile.Crypt
}

// secret adds a file that holds a secret, encrypted where that was asked for.
func (n *newKeys) secret(file string, text []byte) error {
	if url := os.Getenv(keyfile.URLEnv); url != "" {
		if n.crypt == nil {
			c, err := keyfile.OpenCrypt(url)
			if err != nil {
				return err
			}
			n.crypt = c
		}
		plain := text
		var err error
		if text, err = n.crypt.Encrypt(context.Background(), plain); err != nil {
			return err
		}
		// What cannot be decrypted is lost for ever.
		if back, err := n.crypt.Decrypt(context.Background(), text); err != nil || string(back) != string(plain) {
			return errors.Join(errors.New("what was encrypted cannot be decrypted again, and nothing was made: the key of the URL must do both"), err)
		}
	}
	n.files = append(n.files, keyfile.NewFile{Path: file, Text: text, Mode: keyfile.SecretMode})
	return nil
}

// signing adds the files of a new signing key.
func (n *newKeys) signing(file, kind string) (newKeyInfo, error) {
	key, err := integrity.GenerateSigningKey(kind)
	if err != nil {
		return newKeyInfo{}, err
	}
	info := newKeyInfo{KeyID: key.ID(), File: file, Kind: kind, Public: file + keyfile.PublicSuffix}
	n.files = append(n.files, keyfile.NewFile{Path: info.Public, Text: key.Public().Text(), Mode: keyfile.PublicMode})
	return info, n.secret(file, key.Text())
}

// make makes the files and prints what they are. Where it cannot be printed,
// the files are taken back: a verification key that nobody saw is lost.
func (a *app) make(n *newKeys, show *shower, key integrity.Key, asJSON bool) error {
	// A reader that went away is an error like any other.
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)
	undo, err := keyfile.CreateAll(n.files...)
	if err != nil {
		if dir := missingFolder(n.files); folderMissing(err) && dir != "" {
			return fmt.Errorf("the folder %q does not exist; run: mkdir -m 0700 %s", dir, shellWord(dir))
		}
		return err
	}
	if asJSON {
		if show != nil {
			n.info.shownKey = show.json(key)
		}
		err = json.NewEncoder(a.stdout).Encode(n.info)
	} else if _, err = fmt.Fprintln(a.stdout, n.info.KeyID); err == nil && show != nil {
		err = show.show(key)
	}
	if err != nil {
		undo()
		return fmt.Errorf("%w; the key could not be shown, and was taken back", err)
	}
	return nil
}

// missingFolder is the folder of files that is not there.
func missingFolder(files []keyfile.NewFile) string {
	for _, f := range files {
		dir := filepath.Dir(f.Path)
		if _, err := os.Stat(dir); folderMissing(err) {
			return dir
		}
	}
	return ""
}

// nextSteps says what to do with a new key.
func (a *app) nextSteps(info newKeyInfo, show *shower) {
	file := shellWord(info.File)
	fmt.Fprintf(a.stderr, "key %s (%s) is in %s. Next:\n", info.KeyID, info.Kind, file)
	verify := file
	if show == nil {
		fmt.Fprintln(a.stderr, "  keep a copy where the journal is not; without it nobody can verify")
	} else {
		verify = show.next(a.stderr)
	}
	if c := info.Checkpoint; c != nil {
		fmt.Fprintf(a.stderr, "  give %s to those who are to check checkpoints; it is no secret\n", shellWord(c.Public))
	}
	fmt.Fprintf(a.stderr, "  auditchain append --key-file %s audit.jsonl < events.jsonl\n  auditchain verify --key-file %s audit.jsonl\n", file, verify)
}
