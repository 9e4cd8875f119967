// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/internal/publickeyconfig"
	"github.com/auditchain/auditchain/internal/redactconfig"
)

// defaultLockTimeout is how long a batch waits for another writer of the file.
const defaultLockTimeout = 10 * time.Second

// Config is the configuration of the exporter.
type Config struct {
	// Path is the file that records are sealed into. Required; its folder
	// must exist.
	Path string `mapstructure:"path"`
	// Key says where the chain's key is. Required.
	Key redactconfig.Key `mapstructure:"key"`
	// Fsync says when what is written is made durable: "always" (the
	// default) before it is acknowledged, "never", or at most an interval
	// such as "1s" after it.
	Fsync string `mapstructure:"fsync"`
	// LockTimeout is how long a batch waits while another process writes to
	// the file. After it, the client is told to send again.
	LockTimeout time.Duration `mapstructure:"lock_timeout"`
	// Rotation says when a new file is begun, and what becomes of the finished
	// ones. By default, everything stays in one file.
	Rotation RotationConfig `mapstructure:"rotation"`
	// Checkpoint says who signs checkpoints of the chain, and when.
	Checkpoint CheckpointConfig `mapstructure:"checkpoint"`
	// Epoch says when a forward-secure key steps.
	Epoch EpochConfig `mapstructure:"epoch"`
	// ErasureKey is named by a chain that is begun: whoever holds its private
	// key may have records erased. By default, nobody may.
	ErasureKey publickeyconfig.Config `mapstructure:"erasure_public_key"`
	// Redaction is the same block as that of the processor audit_redaction.
	Redaction redactconfig.Config `mapstructure:"redaction"`

	_ struct{}
}

var _ confmap.Unmarshaler = (*Config)(nil)

func createDefaultConfig() component.Config {
	return &Config{
		Fsync:       "always",
		LockTimeout: defaultLockTimeout,
		Rotation:    RotationConfig{Compress: compressNone},
		Checkpoint:  defaultCheckpoint(),
		Epoch:       defaultEpoch(),
	}
}

// absent are keys that other exporters know and that would break what this one
// promises, each with what to do instead.
var absent = []struct{ key, instead string }{
	{"sending_queue", "a queue acknowledges records before they are durable; leave it out, records of concurrent requests are committed together anyway"},
	{"retry_on_failure", "a retry in the exporter gives records up in the end; leave it out, the error goes back to the client, who keeps them"},
	{"report_only", "what it seals stands for ever, so it masks always; to try a policy, put the processor audit_redaction/trial: {report_only: true} in front"},
	{"timeout", "a commit must not be cut short; lock_timeout limits the wait for another writer"},
}

// Unmarshal adds reasons to the refusal of keys that one might expect here.
// All other unknown keys are refused by confmap.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	for _, a := range absent {
		if conf.IsSet(a.key) {
			return fmt.Errorf("audit_chain has no %s: %s", a.key, a.instead)
		}
	}
	return conf.Unmarshal(c)
}

// Validate reports what is wrong with the configuration. It reads no file:
// whether key and path can be used is found when the exporter starts.
func (c *Config) Validate() error {
	var errs []error
	switch {
	case c.Path == "":
		errs = append(errs, errors.New("path is missing; write the file that records are sealed into, such as ./data/audit.jsonl"))
	case strings.HasSuffix(c.Path, "/") || strings.HasSuffix(c.Path, string(os.PathSeparator)):
		errs = append(errs, fmt.Errorf("path %q names a folder; write a file in it, such as %saudit.jsonl", c.Path, c.Path))
	}
	if c.Key.IsZero() {
		errs = append(errs, errors.New("key is missing; write key: {file: ./data/audit.key} and make that file with `auditchain key new ./data/audit.key`"))
	}
	if _, err := journal.ParseFsync(c.Fsync); err != nil {
		errs = append(errs, fmt.Errorf("fsync %q is none of always, never and an interval such as 1s", c.Fsync))
	}
	if c.LockTimeout <= 0 {
		errs = append(errs, fmt.Errorf("lock_timeout %s is not above 0; write how long to wait for another writer, such as 10s", c.LockTimeout))
	}
	return errors.Join(errs...)
}
