// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package rulefile

import (
	"os"
	"strings"
	"testing"
)

// The file of docs/REDACTION.md is the one that the examples read.
func TestDocs(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/REDACTION.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/acme.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(string(docs), "```yaml\nrules:"); !ok {
		t.Fatal("docs/REDACTION.md shows no rule file")
	} else if got, _, _ := strings.Cut("rules:"+rest, "```"); got != string(want) {
		t.Error("the rule file in docs/REDACTION.md is not testdata/acme.yaml")
	}
}
