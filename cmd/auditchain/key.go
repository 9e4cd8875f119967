// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make a key, or print a key's id",
		Long: `A journal is chained under a secret key: whoever has it can write and verify,
whoever has only the file can do neither. Keep a copy of the key somewhere
else than the journal: without it nobody can verify.

` + exitCodes(exitDone, exitFailed, exitUsage),
		Example: `  auditchain key new audit.key
  auditchain key id audit.key`,
		Args: noCommand,
		RunE: helpAsUsage,
	}
	cmd.AddCommand(a.keyNewCommand(), a.keyIDCommand())
	return cmd
}

// keyInfo is the output of key new --json and key id --json.
type keyInfo struct {
	KeyID string `json:"key_id"`
	File  string `json:"file"`
}

func (a *app) printKey(asJSON bool, file string, key integrity.Key) error {
	if asJSON {
		return json.NewEncoder(a.stdout).Encode(keyInfo{key.ID(), file})
	}
	fmt.Fprintln(a.stdout, key.ID())
	return nil
}

func (a *app) keyNewCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "new FILE",
		Short: "Make a new random key",
		Long: `Makes a new random key of 32 bytes, writes it to FILE as hexadecimal digits with
mode 0600, and prints its key id. A file that exists is never overwritten: the
journals written under the key in it could no longer be verified.

` + exitCodes(exitDone, exitFailed, exitUsage),
		Example: `  auditchain key new audit.key
  export AUDITCHAIN_KEY_FILE=audit.key`,
		Args: oneArg("file to write the key to"),
		RunE: func(_ *cobra.Command, args []string) error {
			file := args[0]
			key, err := integrity.GenerateKey()
			if err != nil {
				return err
			}
			if err := createKeyFile(file, key); err != nil {
				return err
			}
			if err := a.printKey(asJSON, file, key); err != nil {
				return err
			}
			fmt.Fprintf(a.stderr, `key %s is in %s. Next:
  keep a copy where the journal is not; without it nobody can verify
  auditchain append --key-file %[2]s audit.jsonl < events.jsonl
  auditchain verify --key-file %[2]s audit.jsonl
`, key.ID(), shellWord(file))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, `print one JSON object: {"key_id","file"}`)
	return cmd
}

// createKeyFile makes a key file, and says what to do where the folder of it
// is not there.
func createKeyFile(file string, key integrity.Key) error {
	err := keyfile.Create(file, key)
	if dir := filepath.Dir(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the folder %q does not exist; run: mkdir -m 0700 %s", dir, shellWord(dir))
	}
	return err
}

func (a *app) keyIDCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "id [FILE]",
		Short: "Print the id of a key",
		Long: `Prints the key id: 16 hexadecimal digits that name the key, and are safe to
print and to send. A journal names the key that it was begun with in its first
line, as key_id.

` + keySourceHelp + `

` + exitCodes(exitDone, exitFailed, exitUsage),
		Example: `  auditchain key id audit.key
  head -n 1 audit.jsonl | jq -r .key_id`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneArg("key file")(cmd, args)
		},
	}
	flag := keyFileFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 1 {
			if *flag != "" {
				return usagef("the key file is given twice: %q and --key-file %q", args[0], *flag)
			}
			*flag = args[0]
		}
		key, file, err := loadKey(*flag)
		if err != nil {
			return err
		}
		return a.printKey(asJSON, file, key)
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, `print one JSON object: {"key_id","file"}`)
	return cmd
}

const keySourceHelp = `The key is read from --key-file, else from the file that the environment variable
AUDITCHAIN_KEY_FILE names, else from the systemd credential auditchain.key
($CREDENTIALS_DIRECTORY/auditchain.key). A key file gives nothing to group and
others (chmod 600), and holds at least 32 bytes.`

func keyFileFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("key-file", "", "file that holds the key (else AUDITCHAIN_KEY_FILE, else the systemd credential auditchain.key)")
}

// loadKey finds the key, and says where it came from.
func loadKey(flag string) (integrity.Key, string, error) {
	src, err := keyfile.Find(flag)
	if err != nil {
		return integrity.Key{}, "", err
	}
	name := src.File
	if name == "" {
		name = "credential " + src.Credential
	}
	key, err := keyfile.Load(src)
	if err != nil && flag == "" && src.File != "" {
		err = fmt.Errorf("%s: %w", keyfile.FileEnv, err)
	}
	return key, name, err
}
