// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/internal/bytesize"
)

// The values of compress.
const (
	compressNone = "none"
	compressZstd = "zstd"
)

// Below these, a number without its unit was meant: 256 for 256MiB.
const (
	leastMaxSize = 4 * bytesize.KiB
	leastAge     = time.Second
)

// RotationConfig says when a new file is begun, and what becomes of the
// finished ones (docs/SPEC.md, sections 7.3 and 7.5).
type RotationConfig struct {
	// MaxSize finishes a file that would grow beyond it: bytes, or a size such
	// as 256MiB. 0, the default, is no limit.
	MaxSize bytesize.Size `mapstructure:"max_size"`
	// MaxAge finishes a file that was begun longer ago. 0, the default, is no
	// limit.
	MaxAge time.Duration `mapstructure:"max_age"`
	// Compress is what finished files are written anew as: "none" (the
	// default) or "zstd".
	Compress string `mapstructure:"compress"`
	// Keep removes the oldest finished files when there are more. 0, the
	// default, keeps all.
	Keep int `mapstructure:"keep"`
	// KeepFor removes finished files of which the last record is older. With
	// Keep too, a file goes only when both allow it. 0, the default, keeps all.
	KeepFor time.Duration `mapstructure:"keep_for"`

	_ struct{}
}

var _ confmap.Unmarshaler = (*RotationConfig)(nil)

// Unmarshal refuses numbers that would be taken for something else: 24 for 24
// nanoseconds, 0.5 for 0, which is no limit at all. A day is no unit of a
// duration, and gets told so.
func (c *RotationConfig) Unmarshal(conf *confmap.Conf) error {
	for _, key := range []string{"max_size", "keep"} {
		if f, ok := conf.Get(key).(float64); ok {
			return fmt.Errorf("%s %v is not a whole number", key, f)
		}
	}
	for _, d := range []struct{ key, such string }{{"max_age", "24h"}, {"keep_for", "2160h"}} {
		switch v := conf.Get(d.key).(type) {
		case nil:
		case string:
			if _, err := time.ParseDuration(v); err != nil {
				return fmt.Errorf("%s %q is no duration such as %s", d.key, v, d.such)
			}
		default:
			if v != 0 {
				return fmt.Errorf("%s %v has no unit; write a duration such as %s", d.key, v, d.such)
			}
		}
	}
	return conf.Unmarshal(c)
}

// Validate reports what is wrong with the block.
func (c *RotationConfig) Validate() error {
	var errs []error
	finishes := c.MaxSize != 0 || c.MaxAge != 0
	if c.MaxSize < 0 || c.MaxSize > 0 && c.MaxSize < leastMaxSize {
		errs = append(errs, fmt.Errorf("max_size %d is below %v; write bytes or a size such as 256MiB, or 0 for no limit", c.MaxSize, leastMaxSize))
	}
	if c.MaxAge < 0 || c.MaxAge > 0 && c.MaxAge < leastAge {
		errs = append(errs, fmt.Errorf("max_age %v is below %v; write a duration such as 24h, or 0s for no limit", c.MaxAge, leastAge))
	}
	switch c.Compress {
	case compressNone, "":
	case compressZstd:
		if !finishes {
			errs = append(errs, errors.New("compress is about finished files, and there are none; write max_size or max_age too, such as max_size: 256MiB"))
		}
	default:
		errs = append(errs, fmt.Errorf("compress %q is none of zstd and none", c.Compress))
	}
	if c.Keep < 0 {
		errs = append(errs, fmt.Errorf("keep %d is below 0; write how many finished files stay, or 0 to keep all", c.Keep))
	}
	if c.KeepFor < 0 || c.KeepFor > 0 && c.KeepFor < leastAge {
		errs = append(errs, fmt.Errorf("keep_for %v is below %v; write how long finished files stay, such as 2160h for 90 days, or 0s to keep all", c.KeepFor, leastAge))
	}
	if (c.Keep > 0 || c.KeepFor > 0) && !finishes {
		errs = append(errs, errors.New("keep and keep_for are about finished files, and there are none; write max_size or max_age too, such as max_age: 24h"))
	}
	return errors.Join(errs...)
}

func (c *RotationConfig) rotation() journal.Rotation {
	return journal.Rotation{
		MaxSize: int64(c.MaxSize), MaxAge: c.MaxAge, Compress: c.Compress == compressZstd,
		Keep: c.Keep, KeepFor: c.KeepFor,
	}
}
