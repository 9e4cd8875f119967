// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/auditchain/auditchain/integrity"
)

func ExampleVerify() {
	key, err := integrity.NewKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		fmt.Println(err)
		return
	}
	chain := integrity.ChainID{1}
	sealer := integrity.NewSealer(key, chain)

	var file []byte
	var mac integrity.Hash
	for i, payload := range [][]byte{
		integrity.ControlPayload(integrity.NewGenesis(chain, key, time.Unix(0, 0))),
		[]byte(`{"timestamp":"2026-11-23T10:15:00.000000000Z","session_id":"s1"`),
	} {
		seq := uint64(i + 1)
		mac = sealer.MAC(mac, seq, integrity.Leaf(payload))
		file = integrity.AppendSuffix(append(file, payload...), seq, mac)
	}
	head := integrity.Head{Generation: 1, Chain: chain, Position: integrity.Position{First: 1, Seq: 2, MAC: mac, Size: int64(len(file))}, Time: time.Unix(0, 0)}
	watermark := head.AppendSlot(make([]byte, integrity.SlotSize), integrity.NewHeadKey(key, chain))

	check := func(file []byte) {
		r := integrity.Verify(context.Background(), integrity.Input{File: "audit.jsonl", Lines: bytes.NewReader(file), Key: key, Head: watermark})
		fmt.Println(r.Verdict, r.ExitCode())
		if bad := r.First(); bad != nil {
			fmt.Printf("line %d: %s\n", bad.Line, bad.Kind)
		}
	}
	check(file)
	check(bytes.Replace(file, []byte("s1"), []byte("s2"), 1))
	// Output:
	// verified 0
	// tampered 3
	// line 2: changed
}
