// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// validate loads configurations, merged, with an environment that sets nothing.
func (w *world) validate(configs ...string) harness.Result {
	w.t.Helper()
	return w.otelcol(append([]string{"validate"}, configFlags(configs)...)...)
}

func configFlags(configs []string) []string {
	var flags []string
	for _, c := range configs {
		flags = append(flags, "--config", c)
	}
	return flags
}

func (w *world) otelcol(args ...string) harness.Result {
	w.t.Helper()
	cmd := exec.CommandContext(w.ctx, w.bin.Path(harness.Collector), args...)
	cmd.Dir = w.t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	res, err := harness.Run(cmd)
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

func (w *world) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// The configuration loads when no variable is set.
func TestConfigLoads(t *testing.T) {
	w := newWorld(t)
	res := w.validate(filepath.Join(w.root, "collector-config.yaml"))
	if res.Code != 0 {
		t.Errorf("exit code %d:\n%s", res.Code, res.Stderr)
	}
}

// The Collector has just the components that the configuration and README speak of.
func TestComponents(t *testing.T) {
	w := newWorld(t)
	res := w.otelcol("components")
	if res.Code != 0 {
		t.Fatalf("exit code %d: %s", res.Code, res.Stderr)
	}
	for _, name := range []string{
		"otlp", "file_log", "audit_checkpoint", "memory_limiter", "audit_redaction", "audit_chain",
		"otlp_http", "otlp_grpc", "debug", "file_storage", "health_check",
	} {
		if !strings.Contains(res.Stdout, "name: "+name+"\n") {
			t.Errorf("component %s is missing in:\n%s", name, res.Stdout)
		}
	}
}

// A mistake in the configuration stops the start, and the message names it.
func TestConfigMistakes(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ name, overlay, want string }{
		{"misspelt key", "exporters: {audit_chain: {pth: ./audit.jsonl}}", "pth"},
		{"misspelt key of the redaction", "processors: {audit_redaction: {fingerprint: x}}", "fingerprint"},
		{"queue", "exporters: {audit_chain: {sending_queue: {enabled: true}}}", "sending_queue"},
		{"fsync", "exporters: {audit_chain: {fsync: sometimes}}", "sometimes"},
		{"no path", "exporters: {audit_chain: {path: ''}}", "path is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			overlay := w.write("overlay.yaml", tt.overlay)
			// It is the start that must fail, not only a check that nobody runs.
			res := w.otelcol(configFlags([]string{filepath.Join(w.root, "collector-config.yaml"), overlay})...)
			if res.Code == 0 || !strings.Contains(res.Stderr, tt.want) {
				t.Errorf("exit code %d, want another and a message with %q:\n%s", res.Code, tt.want, res.Stderr)
			}
		})
	}
}

// A key that is missing, short or open to others, and a path that cannot be: the
// Collector does not start, and says what to do.
func TestStartRefused(t *testing.T) {
	w := newWorld(t)
	config := filepath.Join(w.root, "collector-config.yaml")
	short, open := filepath.Join(w.dir, "short.key"), filepath.Join(w.dir, "open.key")
	for path, mode := range map[string]os.FileMode{short: 0o600, open: 0o644} {
		text := strings.Repeat("ab", 32)
		if path == short {
			text = "abab"
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, overlay, want string }{
		{"no key file", "exporters: {audit_chain: {key: {file: ./missing.key}}}", "auditchain key new"},
		{"short key", "exporters: {audit_chain: {key: {file: " + short + "}}}", "32"},
		{"open key", "exporters: {audit_chain: {key: {file: " + open + "}}}", "chmod"},
		{"missing folder", "exporters: {audit_chain: {path: ./no/such/folder/audit.jsonl, key: {file: " + w.key + "}}}", "no/such/folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			overlay := w.write("overlay.yaml", tt.overlay+"\nexporters::otlp_http/backend::logs_endpoint: "+harness.InsertURL(w.deadBackend())+
				"\nreceivers::otlp::protocols::grpc::endpoint: "+w.deadBackend()+"\nreceivers::otlp::protocols::http::endpoint: "+w.deadBackend()+
				"\nextensions::health_check::endpoint: "+w.deadBackend()+"\nservice::telemetry::metrics::level: none\n")
			res := w.otelcol(configFlags([]string{config, overlay})...)
			if res.Code == 0 || !strings.Contains(res.Stderr, tt.want) {
				t.Errorf("exit code %d, want another and a message with %q:\n%s", res.Code, tt.want, res.Stderr)
			}
		})
	}
}
