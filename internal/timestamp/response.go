// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"encoding/asn1"
	"fmt"
	"strings"
)

// response is a TimeStampResp (RFC 3161, section 2.4.2). It is read here and
// not by the library, which would put the authority's words into its error as
// they are, of any length.
type response struct {
	Status struct {
		Status int
		Text   []asn1.RawValue `asn1:"optional"`
		Fail   asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

// failures are the bits of PKIFailureInfo that RFC 3161 names.
var failures = map[int]string{
	0: "bad algorithm", 2: "bad request", 5: "bad data format", 14: "time not available", 15: "unaccepted policy",
	16: "unaccepted extension", 17: "additional information not available", 25: "system failure",
}

// maxWords bounds what is quoted of an authority.
const maxWords = 200

// granted returns the token of an answer.
func granted(answer []byte) ([]byte, error) {
	var r response
	if rest, err := asn1.Unmarshal(answer, &r); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: its answer is no time-stamp response", ErrRefused)
	}
	// 1 is "granted with modifications": there is nothing to modify here.
	if s := r.Status.Status; s != 0 && s != 1 {
		var why []string
		for bit := range r.Status.Fail.BitLength {
			if name, ok := failures[bit]; ok && r.Status.Fail.At(bit) == 1 {
				why = append(why, name)
			}
		}
		var words strings.Builder
		for _, t := range r.Status.Text {
			words.Write(t.Bytes)
		}
		said := words.String()
		return nil, fmt.Errorf("%w: status %d (%s), %q", ErrRefused, s, strings.Join(why, ", "), said[:min(len(said), maxWords)])
	}
	if len(r.Token.FullBytes) == 0 {
		return nil, fmt.Errorf("%w: its answer holds none", ErrRefused)
	}
	return r.Token.FullBytes, nil
}
