// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditcheckpointreceiver

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/auditchain/auditchain/internal/publickeyconfig"
)

// The values of start_at.
const (
	startAtEnd       = "end"
	startAtBeginning = "beginning"
)

// checkpointsSuffix is what the file of checkpoints has behind the name of its
// journal (docs/SPEC.md, section 7).
const checkpointsSuffix = ".checkpoints"

// leastInterval keeps a number without its unit from being a busy loop.
const leastInterval = 10 * time.Millisecond

// Config is the configuration of the receiver.
type Config struct {
	// Path is the journal, whose checkpoints stand in a file beside it.
	// Required; it need not be there yet.
	Path string `mapstructure:"path"`
	// PollInterval is how often is looked for new checkpoints.
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// StartAt says where is begun: with the newest checkpoint that is there
	// ("end"), or with the first ("beginning").
	StartAt string `mapstructure:"start_at"`
	// PublicKeys are those of which one must have signed a checkpoint. By
	// default, signatures are not looked at.
	PublicKeys []publickeyconfig.Config `mapstructure:"public_keys"`

	_ struct{}
}

var _ confmap.Unmarshaler = (*Config)(nil)

func createDefaultConfig() component.Config {
	return &Config{PollInterval: time.Second, StartAt: startAtEnd}
}

// Unmarshal refuses an interval without a unit, which would be nanoseconds.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	switch v := conf.Get("poll_interval").(type) {
	case nil, string:
	default:
		return fmt.Errorf("poll_interval %v has no unit; write a duration such as 1s", v)
	}
	return conf.Unmarshal(c)
}

// Validate reports what is wrong with the configuration. It reads no file.
func (c *Config) Validate() error {
	var errs []error
	switch {
	case c.Path == "":
		errs = append(errs, errors.New("path is missing; write that of the journal, as in the exporter audit_chain, such as ./data/audit.jsonl"))
	case strings.HasSuffix(c.Path, "/") || strings.HasSuffix(c.Path, string(os.PathSeparator)):
		errs = append(errs, fmt.Errorf("path %q names a folder; write the journal in it, such as %saudit.jsonl", c.Path, c.Path))
	case strings.HasSuffix(c.Path, checkpointsSuffix):
		errs = append(errs, fmt.Errorf("path %q is the file of checkpoints; write the journal, which is %s", c.Path, strings.TrimSuffix(c.Path, checkpointsSuffix)))
	}
	if c.PollInterval < leastInterval {
		errs = append(errs, fmt.Errorf("poll_interval %v is below %v; write how often to look, such as 1s", c.PollInterval, leastInterval))
	}
	if c.StartAt != startAtEnd && c.StartAt != startAtBeginning {
		errs = append(errs, fmt.Errorf("start_at %q is none of %s and %s", c.StartAt, startAtEnd, startAtBeginning))
	}
	for i, k := range c.PublicKeys {
		if k.IsZero() {
			errs = append(errs, fmt.Errorf("public_keys[%d] is empty; write file: or base64:", i))
		}
	}
	return errors.Join(errs...)
}
