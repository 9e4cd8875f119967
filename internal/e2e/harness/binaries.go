// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The names of the programs in a folder of binaries.
const (
	CLI          = "auditchain"
	Collector    = "otelcol-auditchain"
	VictoriaLogs = "victoria-logs"
	AgentSession = "agent-session"
	Demo         = "demo"
)

// BinariesVar is the environment variable that names the folder of binaries.
const BinariesVar = "AUDITCHAIN_BIN"

// ErrNotBuilt is returned when a binary is missing.
var ErrNotBuilt = errors.New("not built: run make test, which builds what the end-to-end tests start, and sets " + BinariesVar)

// Binaries is a folder that holds all the programs above.
type Binaries struct{ dir string }

// FindBinaries takes the folder from AUDITCHAIN_BIN. The error is ErrNotBuilt when
// the variable is unset or a program is missing: a test then skips instead of
// testing whatever was built some day.
func FindBinaries() (Binaries, error) {
	dir := os.Getenv(BinariesVar)
	if dir == "" {
		return Binaries{}, fmt.Errorf("%s is unset: %w", BinariesVar, ErrNotBuilt)
	}
	return BinariesIn(dir)
}

// BinariesIn is FindBinaries for a given folder.
func BinariesIn(dir string) (Binaries, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Binaries{}, err
	}
	for _, name := range []string{CLI, Collector, VictoriaLogs, AgentSession, Demo} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			return Binaries{}, fmt.Errorf("%s in %s: %w", name, dir, ErrNotBuilt)
		} else if err != nil {
			return Binaries{}, err
		}
	}
	return Binaries{dir}, nil
}

// Dir is the folder, as an absolute path.
func (b Binaries) Dir() string { return b.dir }

// Path is where the program of that name stands.
func (b Binaries) Path(name string) string { return filepath.Join(b.dir, name) }

// Root finds the root of the checkout from the working directory upwards.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module github.com/auditchain/auditchain\n")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the working directory is not inside a checkout of auditchain; run this from there")
		}
		dir = parent
	}
}
