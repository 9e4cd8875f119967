// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/processor/redact"
)

// Option configures an Exporter.
type Option interface {
	apply(*config)
}

type config struct {
	key      integrity.Key
	source   keyfile.Source
	open     journal.Options
	opening  bool // an option says how to open the journal
	redactor *redact.Redactor
	meters   metric.MeterProvider
	heads    heads
	epochs   bool // WithEpochs was given
}

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// openOption is an option that New alone takes.
func openOption(f func(*config)) Option {
	return optionFunc(func(c *config) { c.opening = true; f(c) })
}

// WithKey sets the chain's key. It takes precedence over WithKeyFile and
// WithKeyEnv. A forward-secure key needs a place where it can be replaced: see
// WithKeyFile and WithKeyStore.
//
// By default, the key is in the file that AUDITCHAIN_KEY_FILE names, else in
// the systemd credential auditchain.key. There is no built-in key.
func WithKey(k integrity.Key) Option {
	return openOption(func(c *config) { c.key = k })
}

// WithKeyFile names the file that holds the chain's key, as `auditchain key
// new` makes it. Nobody but its owner may be able to read it.
func WithKeyFile(path string) Option {
	return openOption(func(c *config) { c.source = keyfile.Source{File: path} })
}

// WithKeyEnv names the environment variable that holds the chain's key, for
// places that hand out secrets that way. A file is better guarded.
func WithKeyEnv(name string) Option {
	return openOption(func(c *config) { c.source = keyfile.Source{Env: name} })
}

// WithFsync says when what is written is made durable. By default, it is
// before Export returns: journal.FsyncAlways.
func WithFsync(m journal.FsyncMode) Option {
	return openOption(func(c *config) { c.open.Fsync = m })
}

// WithLockTimeout limits how long a batch waits while another process writes
// to the file. By default, it is 10 s.
func WithLockTimeout(d time.Duration) Option {
	return openOption(func(c *config) { c.open.LockTimeout = d })
}

// WithRotation says when a new file is begun, and what becomes of the finished
// ones. By default, everything stays in one file, and nothing is removed.
//
// What may ever be removed is said by the first record of a chain: a policy
// that an older chain was begun without makes it partly proven
// (docs/SPEC.md, section 7.5).
func WithRotation(r journal.Rotation) Option {
	return openOption(func(c *config) { c.open.Rotation = r })
}

// WithReport names who is told of what goes wrong beside Export: that the file
// was not as it was left (a chain.break says so in the chain, too), and that
// work on finished files did not succeed. No record is lost by either, and
// Export does not fail for them. By default, nobody is told.
//
// report is called from any goroutine, New's own included, and must not wait
// for the exporter. What it gets names files, and nothing of any record.
func WithReport(report func(error)) Option {
	return openOption(func(c *config) { c.open.Report = report })
}

// WithVersion names the version of the program, for the record chain.opened.
func WithVersion(version string) Option {
	return openOption(func(c *config) { c.open.Version = version })
}

// WithRedactor sets the redactor. By default, it is that of an empty
// redact.Config. A nil redactor stands for the default: records are never
// written without redaction.
func WithRedactor(r *redact.Redactor) Option {
	return optionFunc(func(c *config) { c.redactor = r })
}

// WithMeterProvider sets where the metrics go: how many secrets of which kind
// were masked when records were sealed, and how many records were refused for
// which reason (audit.chain.values_redacted, audit.chain.records_rejected). By
// default, as with what the OpenTelemetry SDK says of itself, that is the global
// provider; so it is where p is nil.
func WithMeterProvider(p metric.MeterProvider) Option {
	return optionFunc(func(c *config) { c.meters = p })
}
