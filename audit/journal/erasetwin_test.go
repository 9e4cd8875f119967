// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
)

// A copy is the file with the patches, whatever pieces it is read in, and
// anything else is told from it.
func TestPatchedCopy(t *testing.T) {
	old := bytes.Repeat([]byte("0123456789"), 20_000)
	patches := []patch{blank(3, 4), blank(65_530, 20), blank(199_999, 1)}
	want := bytes.Clone(old)
	for _, p := range patches {
		copy(want[p.off:], p.bytes)
	}
	for name, in := range map[string]io.Reader{
		"at once": bytes.NewReader(old), "by halves": iotest.HalfReader(bytes.NewReader(old)), "by bytes": iotest.OneByteReader(bytes.NewReader(old)),
	} {
		got, err := io.ReadAll(&overlay{in: in, patches: patches})
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: another copy (%v)", name, err)
		}
	}
	same := func(now []byte) error { return sameBut(bytes.NewReader(old), bytes.NewReader(now), patches) }
	if err := same(want); err != nil {
		t.Error(err)
	}
	for _, at := range []int{0, 2, 3, 6, 7, 65_529, 65_536, 65_549, 65_550, 131_072, 199_999} {
		bad := bytes.Clone(want)
		bad[at] ^= 1
		if same(bad) == nil {
			t.Errorf("byte %d is another one, and nothing is said", at)
		}
	}
	for _, bad := range [][]byte{nil, old, want[:len(want)-1], append(bytes.Clone(want), 'x'), want[:131_072]} {
		if same(bad) == nil {
			t.Errorf("%d bytes are taken for the copy", len(bad))
		}
	}
}
