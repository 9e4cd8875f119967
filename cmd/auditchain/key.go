// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	_ "github.com/auditchain/auditchain/internal/keyfile/keycrypt" // encrypted key files
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make keys, say what they are, and put others in their place",
		Long: `A journal is chained under a secret key: whoever has it can write and verify,
whoever has only the file can do neither. The guide is docs/KEYS.md.

` + exitCodes(exitDone, exitFailed, exitUsage),
		Example: `  auditchain key new audit.key
  auditchain key id audit.key`,
		Args: noCommand,
		RunE: helpAsUsage,
	}
	cmd.AddCommand(a.keyNewCommand(), a.keyIDCommand(), a.keyPublicCommand(), a.keyRotateCommand())
	return cmd
}

const keySourceHelp = `The key is read from --key-file, else from the file that the environment variable
AUDITCHAIN_KEY_FILE names, else from the systemd credential auditchain.key
($CREDENTIALS_DIRECTORY/auditchain.key). A key file gives nothing to group and
others (chmod 600). One that is encrypted needs AUDITCHAIN_KEY_URL or --key-url.`

func keyFileFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("key-file", "", "file that holds the key (else AUDITCHAIN_KEY_FILE, else the systemd credential auditchain.key)")
}

// useKeyURL makes --key-url that of every key file that the program reads, as
// the environment variable does: there is one for a host.
func useKeyURL(url string) error {
	if strings.HasPrefix(url, "base64key:") {
		return usagef("--key-url: a base64key URL is a secret itself, and every user of the host can read the command line: put it in %s", keyfile.URLEnv)
	}
	return os.Setenv(keyfile.URLEnv, url)
}

// writerKey is the key of a command that writes to a journal.
type writerKey struct {
	key   integrity.Key
	store journal.KeyStore // nil where the key cannot be replaced
	src   keyfile.Source
}

// openWriterKey finds the key of a command that writes. A verification key is
// refused, and so is a forward-secure one that cannot be replaced.
func openWriterKey(flag string) (writerKey, error) {
	src, err := keyfile.Find(flag)
	if err != nil {
		return writerKey{}, err
	}
	name := fmt.Sprintf("%q", src.File)
	if src.File == "" {
		name = "the credential " + src.Credential
	}
	key, store, err := keyfile.OpenKeys(src)
	switch {
	case err != nil && flag == "" && src.File != "":
		return writerKey{}, fmt.Errorf("%s: %w", keyfile.FileEnv, err)
	case err != nil:
		return writerKey{}, err
	case key.VerifyOnly():
		return writerKey{}, fmt.Errorf("%s: %w; write with the key file that auditchain key new made, and take this one off the host", name, integrity.ErrVerifyOnly)
	case key.Forward() && store == nil:
		return writerKey{}, fmt.Errorf("the key in %s is forward-secure and cannot be replaced there when it steps: give it as a file that can be written (--key-file), or make a static one with: auditchain key new --static FILE", name)
	}
	return writerKey{key, store, src}, nil
}

// apply puts the key into the options of a journal.
func (w writerKey) apply(o *journal.Options) {
	if w.store != nil {
		o.Keys = w.store
		return
	}
	o.Key = w.key
}

// folderMissing reports whether err says that a file cannot be made because
// its folder is not there.
func folderMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
