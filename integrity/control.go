// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Names of the control records of this version (docs/SPEC.md, section 5).
const (
	ControlGenesis   = "chain.genesis"
	ControlOpened    = "chain.opened"
	ControlClosed    = "chain.closed"
	ControlRecovered = "chain.recovered"
)

// FormatVersion is the version of the format that this package writes.
const FormatVersion = 1

// Genesis is the first record of a chain.
type Genesis struct {
	Control string  `json:"control"`
	Time    string  `json:"time"`
	Format  int     `json:"format"`
	Chain   ChainID `json:"chain_id"`
	Leaf    string  `json:"leaf"`
	MAC     string  `json:"mac"`
	KeyID   string  `json:"key_id"`
	KeyMode string  `json:"key_mode"`
}

// NewGenesis returns the genesis of a chain under key k.
func NewGenesis(id ChainID, k Key, now time.Time) Genesis {
	return Genesis{
		Control: ControlGenesis, Time: FormatTime(now), Format: FormatVersion, Chain: id,
		Leaf: "sha256", MAC: "hmac-sha256", KeyID: k.ID(), KeyMode: "static",
	}
}

// Opened is written when a writer starts.
type Opened struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Version string `json:"version"`
	Fsync   string `json:"fsync"`
	// Watermark says what was wrong with the watermark that the writer
	// found; it is left out when nothing was.
	Watermark string `json:"watermark,omitempty"`
}

// What Opened says of a watermark.
const (
	// WatermarkDegraded: the two slots were not two successive watermarks.
	// What they named last may be missing before this record.
	WatermarkDegraded = "degraded"
	// WatermarkRemoved: the file was removed or replaced under a running
	// writer, which knew the end itself.
	WatermarkRemoved = "removed"
)

// Closed is written when a writer stops cleanly.
type Closed struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	Records uint64 `json:"records"`
}

// Recovered is written after bytes that a crash left were set aside.
type Recovered struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
	KeptIn  string `json:"kept_in"`
}

// MarshalText writes the id as String does.
func (c ChainID) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (c *ChainID) UnmarshalText(text []byte) error {
	id, err := ParseChainID(string(text))
	*c = id
	return err
}

// FormatTime writes a time as journals hold it.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeFormat) }

// ControlPayload returns the payload of a control record: one of the structs
// of this file as JSON, without the closing brace.
func ControlPayload(record any) []byte {
	b, err := json.Marshal(record)
	if err != nil || !bytes.HasPrefix(b, []byte(controlStart)) {
		panic(fmt.Sprintf("integrity: %T is no control record", record))
	}
	return b[:len(b)-1]
}

// ParseControl reads the payload of a control record into one of the structs
// of this file. Members that this version does not know are passed over.
func ParseControl(payload []byte, record any) error {
	b := append(bytes.Clone(payload), '}')
	if err := json.Unmarshal(b, record); err != nil {
		// The error of encoding/json may quote what it read.
		return fmt.Errorf("control record is not the JSON that it should be (%T)", record)
	}
	return nil
}

// ParseGenesis reads the genesis of a chain.
func ParseGenesis(l Line) (Genesis, error) {
	var g Genesis
	if l.ControlName() != ControlGenesis {
		return g, fmt.Errorf("a chain begins with %s, this one with a %s", ControlGenesis, l.Kind)
	}
	if err := ParseControl(l.Payload, &g); err != nil {
		return g, err
	}
	return g, nil
}
