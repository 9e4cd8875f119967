// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// maxOrders is far above any file of orders.
const maxOrders = 64 << 20

// readOrders reads signed orders, one JSON object a line.
func (a *app) readOrders(name string) ([]journal.Erasure, error) {
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	d := json.NewDecoder(io.LimitReader(in, maxOrders))
	d.DisallowUnknownFields()
	var all []journal.Erasure
	for {
		var o journal.ErasureOrder
		err := d.Decode(&o)
		if err == io.EOF && len(all) > 0 {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q holds no order, or something else too, at number %d; auditchain erase --sign-only makes one", name, len(all)+1)
		}
		all = append(all, journal.Erasure{Order: &o})
	}
}

// signErasures prints signed orders, and changes nothing. It needs no key but
// the erasure key, and may be run where the journal is not.
func (a *app) signErasures(args []string, o eraseOptions) error {
	key, err := keyfile.LoadSigning(o.erasureKey, integrity.KindErasure)
	if err != nil {
		return err
	}
	slices.Sort(o.seqs)
	o.seqs = slices.Compact(o.seqs)
	var lines []signedLine
	if o.leaf != "" {
		line := signedLine{seq: uint64(o.seqs[0])}
		if err := line.leaf.UnmarshalText([]byte(o.leaf)); err != nil {
			return usagef("--leaf is not 64 lowercase hexadecimal digits")
		}
		if line.chain, err = integrity.ParseChainID(o.chain); err != nil {
			return usagef("--chain %q is no id of a chain: it is a UUID", o.chain)
		}
		lines = append(lines, line)
	} else if lines, err = linesToSign(args[0], o.seqs, key.Public()); err != nil {
		return err
	}
	for _, line := range lines {
		order, err := journal.SignErasure(key, line.chain, line.seq, line.leaf, o.who, o.reason, time.Now())
		if err != nil {
			return err
		}
		b, err := json.Marshal(order)
		if err != nil {
			return err
		}
		if _, err := a.stdout.Write(append(appendCleanJSON(nil, b), '\n')); err != nil {
			return err
		}
		fmt.Fprintf(a.stderr, "signed: erase line %d%s\n", line.seq, cleanText(line.what))
	}
	return nil
}

// signedLine is a line that an order is signed for.
type signedLine struct {
	chain integrity.ChainID
	seq   uint64
	leaf  integrity.Hash
	what  string // for whoever signs
}

// linesToSign finds lines in a copy of a journal, or of one of its files. It
// verifies nothing: the order is for the leaf that it finds, and is refused
// where the journal has another.
func linesToSign(path string, seqs []uint, key integrity.PublicKey) ([]signedLine, error) {
	file, err := behindLink(path)
	if err != nil {
		return nil, err
	}
	r, err := journal.NewReader(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var chain integrity.ChainID
	var all []signedLine
	for len(all) < len(seqs) {
		line, err := r.Next()
		var bad *journal.LineError
		var gap *journal.GapError
		switch {
		case errors.As(err, &bad) || errors.As(err, &gap):
			continue
		case err == io.EOF:
			for _, seq := range seqs {
				if !slices.ContainsFunc(all, func(l signedLine) bool { return l.seq == uint64(seq) }) {
					return nil, fmt.Errorf("%q holds no line %d", path, seq)
				}
			}
		case err != nil:
			return nil, err
		}
		if name := line.ControlName(); name == integrity.ControlGenesis || name == integrity.ControlSegment {
			var says integrity.Segment // a genesis has these members, too
			if err := integrity.ParseControl(line.Payload, &says); err != nil {
				return nil, fmt.Errorf("%q: line %d: %w", path, line.Seq, err)
			}
			if chain = says.Chain; says.ErasureKey != key.Base64() {
				return nil, fmt.Errorf("the chain of %q does not name this erasure key (%s): an order signed with it would be refused", path, key.ID())
			}
		}
		if !slices.Contains(seqs, uint(line.Seq)) || slices.ContainsFunc(all, func(l signedLine) bool { return l.seq == line.Seq }) {
			continue
		}
		switch {
		case chain == integrity.ChainID{}:
			return nil, fmt.Errorf("%q does not begin as a file of a journal: which chain it is of, is not known; give --chain and --leaf", path)
		case line.Kind == integrity.Control:
			return nil, fmt.Errorf("line %d is a %s, and control records are never erased", line.Seq, line.ControlName())
		case line.Kind == integrity.Tombstone:
			return nil, fmt.Errorf("line %d is erased already", line.Seq)
		}
		l := signedLine{chain: chain, seq: line.Seq, leaf: integrity.Leaf(line.Payload)}
		if e, err := audit.Decode(line.Payload); err == nil {
			l.what = fmt.Sprintf(" (%s, %s, id %s)", e.Timestamp.Format(time.RFC3339), e.Type, e.ID)
		}
		all = append(all, l)
	}
	return all, nil
}
