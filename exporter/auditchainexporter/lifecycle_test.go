// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"os"
	"path/filepath"
	"strings"
)

// setUpLifecycleTest makes what the configuration of the generated lifecycle
// test (metadata.yaml, tests::config) needs. It is called by the generated
// TestMain, which leaves no way to clean up: the folder is made anew each time
// and ignored by git.
func setUpLifecycleTest() {
	dir := filepath.Join("testdata", "lifecycle")
	err := os.RemoveAll(dir)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = os.Setenv("AUDITCHAINEXPORTER_TEST_KEY", strings.Repeat("5a", 32))
	}
	if err != nil {
		panic(err)
	}
}
