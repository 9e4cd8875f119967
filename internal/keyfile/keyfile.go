// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package keyfile finds the key: in a file, an environment variable or a
// systemd credential. There is no default key.
package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditchain/auditchain/integrity"
)

// Names that the command line and the Collector share.
const (
	// FileEnv names the environment variable that holds the path of a key
	// file.
	FileEnv = "AUDITCHAIN_KEY_FILE"
	// Credential is the name of the systemd credential.
	Credential = "auditchain.key"
	// credentialsEnv is where systemd says the credentials are
	// (systemd.exec(5), LoadCredential=).
	credentialsEnv = "CREDENTIALS_DIRECTORY"
)

// maxKeyFile is far above any key: a larger file is something else.
const maxKeyFile = 1 << 10

// ErrNoKey is returned when no source names a key.
var ErrNoKey = errors.New("there is no key")

// Source says where a key is. At most one of File, Env and Credential may be
// set.
type Source struct {
	File       string // path of a key file, mode 0600 or stricter
	Env        string // environment variable that holds the key itself
	Credential string // name of a systemd credential
	// URL is that of the key which the key is encrypted with, where it is; ""
	// leaves it to AUDITCHAIN_KEY_URL. It can be a secret itself.
	URL string
}

// IsZero reports whether s names no source.
func (s Source) IsZero() bool { return s == Source{} }

// Validate reports a source that names none or several places.
func (s Source) Validate() error {
	n := 0
	for _, v := range []string{s.File, s.Env, s.Credential} {
		if v != "" {
			n++
		}
	}
	switch {
	case n == 0:
		return fmt.Errorf("%w: name one of file, env or credential; `auditchain key new FILE` makes a key file", ErrNoKey)
	case n > 1:
		return errors.New("the key has several sources: name only one of file, env and credential")
	}
	return nil
}

// Load reads the key.
func Load(s Source) (integrity.Key, error) {
	state, err := LoadState(s)
	return state.Key, err
}

// LoadState reads the key, and what its file says of the chain that is written
// with it.
func LoadState(s Source) (integrity.KeyState, error) {
	text, name, err := Bytes(s)
	if err != nil {
		return integrity.KeyState{}, err
	}
	state, err := integrity.ParseKeyState(text)
	if err != nil {
		return integrity.KeyState{}, fmt.Errorf("key in %s: %w; `auditchain key new FILE` makes a good one", name, err)
	}
	return state, nil
}

// Bytes returns what the source holds, decrypted and unparsed, and a name for
// messages.
func Bytes(s Source) (text []byte, name string, err error) {
	text, name, _, err = load(s, nil)
	return text, name, err
}

// load is Bytes. It says too whether what it found was encrypted. What public
// reports to be no secret may be readable by everybody.
func load(s Source, public func(text []byte) bool) (text []byte, name string, sealed bool, err error) {
	if text, name, err = fetch(s, public); err != nil {
		return nil, name, false, err
	}
	sealed = encrypted(text)
	text, err = s.plain(text, name)
	return text, name, sealed, err
}

// fetch returns what the source holds.
func fetch(s Source, public func(text []byte) bool) (text []byte, name string, err error) {
	if err := s.Validate(); err != nil {
		return nil, "", err
	}
	switch {
	case s.Env != "":
		name = fmt.Sprintf("environment variable %s", s.Env)
		v, ok := os.LookupEnv(s.Env)
		if !ok || v == "" {
			return nil, name, fmt.Errorf("%w in %s: it is not set", ErrNoKey, name)
		}
		return []byte(v), name, nil
	case s.Credential != "":
		dir := os.Getenv(credentialsEnv)
		if dir == "" {
			return nil, "", fmt.Errorf("%w: credential %q needs systemd's LoadCredential= (%s is not set)", ErrNoKey, s.Credential, credentialsEnv)
		}
		if filepath.Base(s.Credential) != s.Credential {
			return nil, "", fmt.Errorf("credential name %q has a slash in it", s.Credential)
		}
		s.File = filepath.Join(dir, s.Credential)
		// systemd keeps credentials readable by the service alone; its
		// directory may be reached through links of its own making.
		text, err = read(s.File, false)
	default:
		if text, err = read(s.File, public == nil); err == nil && public != nil && !public(text) {
			text, err = read(s.File, true)
		}
	}
	return text, fmt.Sprintf("%q", s.File), err
}

func read(path string, strict bool) ([]byte, error) {
	// Opening anything but a regular file could wait for ever (a FIFO).
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("key file %q is not a regular file", path)
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noKeyAt(path)
	case err != nil:
		return nil, fmt.Errorf("key file cannot be opened: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key file cannot be examined: %w", err)
	}
	return readChecked(path, info, f, maxKeyFile, strict)
}

// missingError says that a file is not there, and what to do about it, which is
// another thing for each kind of key.
type missingError struct{ path, todo string }

func (m *missingError) Error() string {
	return fmt.Sprintf("%v: %q does not exist; %s", ErrNoKey, m.path, m.todo)
}
func (m *missingError) Unwrap() error { return ErrNoKey }

// noKeyAt is for the key of a chain that is written.
func noKeyAt(path string) error {
	return &missingError{path, fmt.Sprintf("make it with: auditchain key new %s; where a journal is there already, name the key that it has instead", path)}
}

// IfMissing has the error of a file that is not there say what to do about it;
// others stay as they are.
func IfMissing(err error, todo string) error {
	var m *missingError
	if !errors.As(err, &m) {
		return err
	}
	return &missingError{m.path, todo}
}

// readChecked reads a key file of at most limit bytes, open as in, once it is
// sure that it is none that others could have read. info is that of the open
// file.
func readChecked(path string, info fs.FileInfo, in io.Reader, limit int64, strict bool) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("key file %q is not a regular file", path)
	}
	if perm := info.Mode().Perm(); strict && perm&0o077 != 0 {
		return nil, fmt.Errorf("key file %q can be used by others (mode %04o); run: chmod 600 %s", path, perm, path)
	}
	text, err := io.ReadAll(io.LimitReader(in, max(limit, maxEncrypted)+1))
	if err != nil {
		return nil, fmt.Errorf("key file cannot be read: %w", err)
	}
	if encrypted(text) {
		limit = maxEncrypted
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("key file %q is larger than %d bytes: it is no key", path, limit)
	}
	if len(text) > 0 && len(bytes.Trim(text, "\x00")) == 0 {
		return nil, fmt.Errorf("key file %q holds nothing but zeros: it is what is left of a key", path)
	}
	if bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("-----BEGIN")) {
		return nil, fmt.Errorf("key file %q holds JSON or PEM, and no key of this kind; `auditchain key new FILE` makes one", path)
	}
	return text, nil
}

// Find returns the source that a command uses: the path given, else the one
// in AUDITCHAIN_KEY_FILE, else the systemd credential.
func Find(path string) (Source, error) {
	switch {
	case path != "":
		return Source{File: path}, nil
	case os.Getenv(FileEnv) != "":
		return Source{File: os.Getenv(FileEnv)}, nil
	case os.Getenv(credentialsEnv) != "":
		return Source{Credential: Credential}, nil
	}
	return Source{}, fmt.Errorf("%w: give --key-file FILE or set %s; `auditchain key new FILE` makes a key", ErrNoKey, FileEnv)
}
