// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// erasedLines is what query and tail know of erased records.
type erasedLines struct {
	path     string
	bySecret bool // a secret is looked for, too
	reads    int
	orders   map[uint64]*erasureOrder
	passed   int64 // because something was asked for that they do not have any more
}

// erasureOrder is who ordered an erasure, and why, as chain.erased says. It is
// not verified.
type erasureOrder struct {
	Seq     uint64 `json:"seq"` // of the chain.erased
	Who     string `json:"who"`
	Reason  string `json:"reason"`
	Ordered string `json:"ordered"`
}

func (o *erasureOrder) String() string {
	if o == nil {
		return "the chain.erased that allows it was not found here; run: auditchain verify"
	}
	return fmt.Sprintf("by %s at %s: %s (line %d)", o.Who, o.Ordered, o.Reason, o.Seq)
}

// appendTo adds the order to the JSON of an erased line.
func (o *erasureOrder) appendTo(text []byte) ([]byte, error) {
	if o == nil {
		return text, nil
	}
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return append(append(append(text[:len(text)-1], `,"order":`...), b...), '}'), nil
}

// wanted reports whether an erased line is printed: where nothing is asked for
// that it does not have any more. Else it is counted.
func (e *erasedLines) wanted(f *audit.Filter) bool {
	if *f == (audit.Filter{}) && !e.bySecret {
		return true
	}
	e.passed++
	return false
}

// say says how many were passed over.
func (e *erasedLines) say(w io.Writer) {
	switch {
	case e.passed == 0:
	case e.bySecret:
		fmt.Fprintf(w, "%s passed over: what is erased cannot be looked through any more\n", count(e.passed, "erased line"))
	default:
		fmt.Fprintf(w, "%s passed over: what is erased has no session, type, time or actor any more\n", count(e.passed, "erased line"))
	}
}

// maxOrderReads bounds what lines cost that somebody else took the payload of.
const maxOrderReads = 3

// order finds who ordered that a line is erased, and why. That stands behind
// the line, mostly in another file: all of them are read once, when the first
// erased line is met, and again for one that was erased since.
func (e *erasedLines) order(seq uint64) (*erasureOrder, error) {
	if o := e.orders[seq]; o != nil || e.reads >= maxOrderReads {
		return o, nil
	}
	r, err := journal.NewReader(e.path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	e.reads++
	e.orders = map[uint64]*erasureOrder{}
	for {
		line, err := r.Next()
		var bad *journal.LineError
		var gap *journal.GapError
		switch {
		case errors.As(err, &bad) || errors.As(err, &gap):
			continue // query and tail say it themselves
		case err == io.EOF:
			return e.orders[seq], nil
		case err != nil:
			return nil, err
		}
		var erased integrity.Erased
		if line.ControlName() == integrity.ControlErased && integrity.ParseControl(line.Payload, &erased) == nil && e.orders[erased.Line] == nil {
			e.orders[erased.Line] = &erasureOrder{line.Seq, erased.Who, erased.Reason, erased.Ordered}
		}
	}
}
