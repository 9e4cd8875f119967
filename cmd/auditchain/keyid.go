// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// keyInfo is the output of key id --json.
type keyInfo struct {
	KeyID     string      `json:"key_id"`
	File      string      `json:"file"`
	Kind      string      `json:"kind"`
	Epoch     *uint64     `json:"epoch,omitempty"`
	Chain     string      `json:"chain_id,omitempty"`
	Position  *epochBegan `json:"position,omitempty"`
	Since     string      `json:"since,omitempty"`
	Public    string      `json:"public_key,omitempty"`
	Encrypted bool        `json:"encrypted,omitempty"`
}

// epochBegan is the line that an epoch began behind.
type epochBegan struct {
	Seq uint64 `json:"seq"`
	MAC string `json:"hmac"`
}

func (a *app) keyIDCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "id [FILE]",
		Short: "Print the id of a key of any kind, and say what it is",
		Long: `Prints the key id: 16 hexadecimal digits that name the key, and are safe to
print and to send. A journal names the key that it was begun with in its first
line, as key_id. It is the same for a forward-secure key in all of its epochs and
for its verification key, and for both halves of a key for checkpoints or erasures.
On standard error: which kind of key it is, and of a forward-secure one, in which
epoch it is, and of which chain.

With --json, one object on standard output:
  key_id, file
  kind        "static", "forward-secure", "verification", "checkpoint",
              "checkpoint-public", "erasure" or "erasure-public"
  epoch, chain_id, position {"seq","hmac"}, since   of a forward-secure key
  public_key  in base64
  encrypted   where the file is

` + keySourceHelp + `

` + exitCodes(exitDone, exitFailed, exitUsage),
		Example: `  auditchain key id audit.key
  head -n 1 audit.jsonl | jq -r .key_id`,
		Args: optionalKeyFile,
	}
	flag := keyFileFlag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what is known of the key as one JSON object")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		key, file, err := anyKey(*flag, args)
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(a.stdout).Encode(infoOf(key, file))
		}
		fmt.Fprintln(a.stdout, key.ID)
		fmt.Fprintln(a.stderr, cleanText(describeKey(key)))
		return nil
	}
	return cmd
}

// optionalKeyFile is the Args of a command that takes a key file, or finds it.
func optionalKeyFile(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return oneArg("key file")(cmd, args)
}

// anyKey finds the key that an argument, or the flag, names.
func anyKey(flag string, args []string) (keyfile.Any, string, error) {
	if len(args) == 1 {
		if flag != "" {
			return keyfile.Any{}, "", usagef("the key file is given twice: %q and --key-file %q", args[0], flag)
		}
		flag = args[0]
	}
	src, err := keyfile.Find(flag)
	if err != nil {
		return keyfile.Any{}, "", err
	}
	name := src.File
	if name == "" {
		name = "credential " + src.Credential
	}
	key, err := keyfile.LoadAny(src)
	err = keyfile.IfMissing(err, "name a key file that is there")
	if err != nil && flag == "" && src.File != "" {
		err = fmt.Errorf("%s: %w", keyfile.FileEnv, err)
	}
	return key, name, err
}

func infoOf(key keyfile.Any, file string) keyInfo {
	info := keyInfo{KeyID: key.ID, File: file, Kind: key.Kind, Public: key.Public.Base64(), Encrypted: key.Encrypted}
	if key.Kind == keyfile.KindForward {
		epoch := key.State.Key.Epoch()
		info.Epoch = &epoch
	}
	if s := key.State; s.Bound() {
		info.Chain, info.Since = s.Chain.String(), integrity.FormatTime(s.Since)
		if s.Seq > 0 {
			info.Position = &epochBegan{s.Seq, s.MAC.String()}
		}
	}
	return info
}

// describeKey says in words what a key is.
func describeKey(key keyfile.Any) string {
	var text string
	switch key.Kind {
	case keyfile.KindStatic:
		text = "static key: writes and verifies, and is never replaced"
	case keyfile.KindForward:
		s := key.State
		text = fmt.Sprintf("forward-secure key in epoch %d", s.Key.Epoch())
		if s.Bound() {
			text += fmt.Sprintf(" since %s, of chain %s", s.Since.UTC().Format(time.RFC3339), s.Chain)
		} else {
			text += ", of no chain yet"
		}
	case keyfile.KindVerification:
		text = "verification key of a forward-secure key: verifies everything; keep it away from the host that writes"
	case keyfile.KindCheckpoint:
		text = "key that signs checkpoints"
	case keyfile.KindErasure:
		text = "key that signs erasures; keep it away from the host that writes"
	case keyfile.KindCheckpointPublic:
		text = "public key of checkpoints: no secret"
	case keyfile.KindErasurePublic:
		text = "public key of erasures: no secret"
	}
	if key.Encrypted {
		text += " (the file is encrypted)"
	}
	return text
}

func (a *app) keyPublicCommand() *cobra.Command {
	var chain string
	cmd := &cobra.Command{
		Use:   "public FILE",
		Short: "Print the public key of a key for checkpoints or erasures",
		Long: `Prints the public key of a key for checkpoints or erasures, as its .pub file holds
it. With --note-key, the key for checkpoints of one chain in the form of other
programs that read signed notes (C2SP signed-note): NAME+HASH+KEY.

` + exitCodes(exitDone, exitFailed, exitUsage),
		Example: `  auditchain key public audit.key.checkpoint
  auditchain key public --note-key 5c0e2f9a-1111-4222-8333-444455556666 audit.key.checkpoint`,
		Args: oneArg("key file"),
	}
	cmd.Flags().StringVar(&chain, "note-key", "", "print it as a verifier key of signed notes, for the chain with this id (chain_id in its first line)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		key, err := keyfile.LoadAny(keyfile.Source{File: args[0]})
		if err != nil {
			return keyfile.IfMissing(err, "name the file of a key for checkpoints or for erasures, as auditchain key new made it")
		}
		if key.Public.IsZero() {
			return fmt.Errorf("the key in %q is a %s key, which has no public half; the key for checkpoints is in %s", args[0], key.Kind, shellWord(args[0]+keyfile.CheckpointSuffix))
		}
		if !cmd.Flags().Changed("note-key") {
			_, err := a.stdout.Write(key.Public.Text())
			return err
		}
		id, err := integrity.ParseChainID(chain)
		if err != nil {
			return usagef("--note-key %q is no id of a chain; it is chain_id in the first line of the journal", chain)
		}
		if key.Public.Kind() != integrity.KindCheckpoint {
			return errors.New("--note-key is for keys of checkpoints: erasures are no signed notes")
		}
		_, err = fmt.Fprintln(a.stdout, key.Public.NoteKey(id))
		return err
	}
	return cmd
}
