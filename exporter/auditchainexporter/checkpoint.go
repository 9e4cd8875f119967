// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/internal/timestamp"
)

// leastRecords is the least that every_records may be, where it is set. Where
// checkpoints are sealed as records too, each makes a line or two: far fewer
// lines would make checkpoints of nothing but checkpoints.
const leastRecords = 100

// mostTimeout is how long a journal waits for a time stamp.
const mostTimeout = 30 * time.Second

// CheckpointConfig says who signs checkpoints of the chain, and when
// (docs/SPEC.md, section 10).
type CheckpointConfig struct {
	// SigningKey is the key for checkpoints. By default, it is the one that
	// stands beside the key file, where there is one.
	SigningKey SigningKeyConfig `mapstructure:"signing_key"`
	// EveryRecords is how many lines follow a checkpoint before the next one
	// is made. 0 is no limit.
	EveryRecords int64 `mapstructure:"every_records"`
	// Every is how much time passes before the next one is made, also when
	// nothing is written. 0 is no limit.
	Every time.Duration `mapstructure:"every"`
	// Timestamp says which authority time-stamps checkpoints; none by default.
	Timestamp TimestampConfig `mapstructure:"timestamp"`

	written bool // the block stands in the configuration
	_       struct{}
}

// SigningKeyConfig says where the private key for checkpoints is.
type SigningKeyConfig struct {
	// File is the path of its file. Nobody but its owner may read it.
	File string `mapstructure:"file"`

	_ struct{}
}

// TimestampConfig names an RFC 3161 time-stamp authority.
type TimestampConfig struct {
	// URL is that of the authority; none by default.
	URL string `mapstructure:"url"`
	// CAFile has the certificates, in PEM, that the authority's must lead to.
	// Without it, any authority that answers at URL is taken.
	CAFile string `mapstructure:"ca_file"`
	// Timeout is how long an answer may take.
	Timeout time.Duration `mapstructure:"timeout"`

	_ struct{}
}

// EpochConfig says when a forward-secure key steps (docs/SPEC.md, section 4.1).
type EpochConfig struct {
	// Every is how long an epoch lasts at most. 0 is no limit.
	Every time.Duration `mapstructure:"every"`
	// EveryRecords is how many lines it has at most. 0 is no limit.
	EveryRecords int64 `mapstructure:"every_records"`

	written bool // the block stands in the configuration
	_       struct{}
}

var (
	_ confmap.Unmarshaler = (*CheckpointConfig)(nil)
	_ confmap.Unmarshaler = (*TimestampConfig)(nil)
	_ confmap.Unmarshaler = (*EpochConfig)(nil)
)

func defaultCheckpoint() CheckpointConfig {
	return CheckpointConfig{
		EveryRecords: journal.DefaultCheckpoint.Records,
		Every:        journal.DefaultCheckpoint.Every,
		Timestamp:    TimestampConfig{Timeout: timestamp.DefaultTimeout},
	}
}

func defaultEpoch() EpochConfig {
	return EpochConfig{EveryRecords: journal.DefaultEpoch.Records, Every: journal.DefaultEpoch.Every}
}

// Unmarshal refuses numbers that would be taken for something else.
func (c *CheckpointConfig) Unmarshal(conf *confmap.Conf) error {
	if err := refuseNumbers(conf, "every_records", "every", "60s"); err != nil {
		return err
	}
	c.written = true
	return conf.Unmarshal(c)
}

// Unmarshal refuses numbers that would be taken for something else.
func (c *TimestampConfig) Unmarshal(conf *confmap.Conf) error {
	if err := refuseNumbers(conf, "", "timeout", "15s"); err != nil {
		return err
	}
	return conf.Unmarshal(c)
}

// Unmarshal refuses numbers that would be taken for something else.
func (c *EpochConfig) Unmarshal(conf *confmap.Conf) error {
	if err := refuseNumbers(conf, "every_records", "every", "15m"); err != nil {
		return err
	}
	c.written = true
	return conf.Unmarshal(c)
}

// refuseNumbers refuses a fraction where a count is due, and a number without
// a unit where a duration is: 60 would be 60 nanoseconds.
func refuseNumbers(conf *confmap.Conf, count, duration, such string) error {
	if f, ok := conf.Get(count).(float64); ok && count != "" {
		return fmt.Errorf("%s %v is not a whole number", count, f)
	}
	switch v := conf.Get(duration).(type) {
	case nil:
	case string:
		if _, err := time.ParseDuration(v); err != nil {
			return fmt.Errorf("%s %q is no duration such as %s", duration, v, such)
		}
	default:
		if v != 0 {
			return fmt.Errorf("%s %v has no unit; write a duration such as %s", duration, v, such)
		}
	}
	return nil
}

// Validate reports what is wrong with the block.
func (c *CheckpointConfig) Validate() error {
	var errs []error
	if c.EveryRecords < 0 || c.EveryRecords > 0 && c.EveryRecords < leastRecords {
		errs = append(errs, fmt.Errorf("every_records %d is below %d; write how many lines follow a checkpoint, such as 10000, or 0 for no limit", c.EveryRecords, leastRecords))
	}
	if c.Every < 0 || c.Every > 0 && c.Every < leastAge {
		errs = append(errs, fmt.Errorf("every %v is below %v; write a duration such as 60s, or 0s for no limit", c.Every, leastAge))
	}
	if c.EveryRecords == 0 && c.Every == 0 {
		errs = append(errs, errors.New("every_records and every are both 0, so no checkpoint would be made before the end; write one of them, such as every: 60s"))
	}
	return errors.Join(errs...)
}

// Validate reports what is wrong with the block. It asks nobody.
func (c *TimestampConfig) Validate() error {
	var errs []error
	if c.URL != "" {
		if err := timestamp.CheckURL(c.URL); err != nil {
			errs = append(errs, err)
		}
	} else if c.CAFile != "" {
		errs = append(errs, errors.New("ca_file is about a time-stamp authority, and there is none; write its url too"))
	}
	if c.Timeout <= 0 || c.Timeout > mostTimeout {
		errs = append(errs, fmt.Errorf("timeout %v is not above 0 and at most %v; write how long an answer may take, such as 15s", c.Timeout, mostTimeout))
	}
	return errors.Join(errs...)
}

// Validate reports what is wrong with the block.
func (c *EpochConfig) Validate() error {
	var errs []error
	if c.EveryRecords < 0 {
		errs = append(errs, fmt.Errorf("every_records %d is below 0; write how many lines an epoch has, or 0 for no limit", c.EveryRecords))
	}
	if c.Every < 0 || c.Every > 0 && c.Every < leastAge {
		errs = append(errs, fmt.Errorf("every %v is below %v; write how long an epoch lasts, such as 15m, or 0s for no limit", c.Every, leastAge))
	}
	if c.EveryRecords == 0 && c.Every == 0 {
		errs = append(errs, errors.New("every_records and every are both 0, so the key would never step; write one of them, such as every: 15m"))
	}
	return errors.Join(errs...)
}

// orNone turns the 0 of a configuration, which is no limit, into that of the
// journal, where 0 is the default.
func orNone[T int64 | time.Duration](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

func (c *EpochConfig) epoch() journal.Epoch {
	return journal.Epoch{Every: orNone(c.Every), Records: orNone(c.EveryRecords)}
}

// checkpoints reads the keys and certificates that the block names. There are
// no checkpoints where there is no key for them, unless somebody asked for
// them.
func (c *CheckpointConfig) checkpoints(source keyfile.Source, t *telemetry) (journal.Checkpoint, error) {
	o := journal.Checkpoint{Records: orNone(c.EveryRecords), Every: orNone(c.Every)}
	var err error
	if c.SigningKey.File != "" {
		o.Signer, err = keyfile.LoadSigning(c.SigningKey.File, integrity.KindCheckpoint)
	} else {
		o.Signer, err = keyfile.BesideKey(source)
	}
	if err != nil {
		return o, fmt.Errorf("checkpoint::signing_key: %w", err)
	}
	if o.Signer.IsZero() {
		if c.written {
			return o, errors.New("checkpoint: there is no key to sign with; name it in signing_key: {file: PATH}, or leave the block out where the chain is to have no checkpoints")
		}
		return journal.Checkpoint{}, nil
	}
	o.Publish = func(ctx context.Context, p journal.Published) { t.checkpoint(ctx, p) }
	if c.Timestamp.URL == "" {
		return o, nil
	}
	a := timestamp.Options{URL: c.Timestamp.URL, Timeout: c.Timestamp.Timeout}
	if c.Timestamp.CAFile != "" {
		if a.Roots, err = timestamp.LoadRoots(c.Timestamp.CAFile); err != nil {
			return o, fmt.Errorf("checkpoint::timestamp::ca_file: %w", err)
		}
	}
	authority, err := timestamp.New(a)
	if err != nil {
		return o, fmt.Errorf("checkpoint::timestamp: %w", err)
	}
	o.Timestamp = func(ctx context.Context, note []byte) ([]byte, error) {
		token, err := authority.Timestamp(ctx, note)
		t.timestamp(ctx, err)
		if err != nil {
			return nil, &timestampError{err}
		}
		return token, nil
	}
	return o, nil
}

// countedKeys counts the steps of a forward-secure key.
type countedKeys struct {
	journal.KeyStore
	telemetry *telemetry
	epoch     uint64 // guarded by the lock of the journal
}

// Save counts a step when it is durable.
func (k *countedKeys) Save(s integrity.KeyState) error {
	if err := k.KeyStore.Save(s); err != nil {
		return err
	}
	if e := s.Key.Epoch(); e != k.epoch {
		if e > k.epoch {
			k.telemetry.stepped(int64(e - k.epoch))
		}
		k.epoch = e
	}
	return nil
}
