// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// formatVersion is the version of docs/SPEC.md that this program writes, and
// the highest that it reads.
const formatVersion = 1

// moduleVersion is the version that the module was built as. A build from a
// checkout without version control information is "(devel)".
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// versionInfo is the output of version --json.
type versionInfo struct {
	Version string `json:"version"`
	Format  int    `json:"format"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program, of the format and of Go",
		Long: `Prints the version of the program, the version of the journal format that it
writes (docs/SPEC.md) and the Go version that built it.

` + exitCodes(exitDone, exitUsage),
		Example: `  auditchain version
  auditchain version --json | jq -r .version`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo{moduleVersion(), formatVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH}
			if asJSON {
				return json.NewEncoder(a.stdout).Encode(v)
			}
			fmt.Fprintf(a.stdout, "auditchain %s\nformat %d\n%s %s/%s\n", v.Version, v.Format, v.Go, v.OS, v.Arch)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, `print one JSON object: {"version","format","go","os","arch"}`)
	return cmd
}
