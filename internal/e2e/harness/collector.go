// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// CollectorOptions says how to run the Collector with the project's own
// collector-config.yaml.
type CollectorOptions struct {
	Config   string    // the configuration file
	Overlays []string  // more --config values, merged over it
	Data     string    // folder of the journal, queue, cursors and log; must exist
	KeyFile  string    // the chain's key
	Backend  string    // OTLP/HTTP logs endpoint
	APICalls string    // glob of the files that file_log reads
	Ports    Endpoints // addresses to listen on again; the zero value picks free ones
}

// Endpoints are the addresses that a Collector listens on.
type Endpoints struct{ GRPC, HTTP, Health, Metrics string }

// RunningCollector is a started Collector.
type RunningCollector struct {
	*Process
	Endpoints
	data string
}

// StartCollector starts the Collector and returns when its health check is well.
func StartCollector(ctx context.Context, bin Binaries, o CollectorOptions) (*RunningCollector, error) {
	ends, err := o.endpoints()
	if err != nil {
		return nil, err
	}
	p, err := start("the Collector", filepath.Join(o.Data, "collector.log"), o.command(bin, ends))
	if err != nil {
		return nil, err
	}
	if err := ready(ctx, p, "http://"+ends.Health+"/"); err != nil {
		p.Kill()
		return nil, err
	}
	return &RunningCollector{Process: p, Endpoints: ends, data: o.Data}, nil
}

// Journal is the file that the Collector seals records into.
func (c *RunningCollector) Journal() string { return JournalIn(c.data) }

// JournalIn is the journal in a folder of data, as collector-config.yaml names it.
func JournalIn(data string) string { return filepath.Join(data, "audit.jsonl") }

// endpoints is o.Ports, or free ones.
func (o CollectorOptions) endpoints() (Endpoints, error) {
	ends := o.Ports
	for _, addr := range []*string{&ends.GRPC, &ends.HTTP, &ends.Health, &ends.Metrics} {
		if *addr != "" {
			continue
		}
		port, err := FreePort()
		if err != nil {
			return Endpoints{}, err
		}
		*addr = Loopback(port)
	}
	return ends, nil
}

// command is the Collector's command line. The environment holds what a user would
// set, and nothing of the caller's that could change the configuration.
func (o CollectorOptions) command(bin Binaries, ends Endpoints) *exec.Cmd {
	_, metricsPort, _ := net.SplitHostPort(ends.Metrics) // an address of ours
	cmd := exec.Command(bin.Path(Collector), "--config", o.Config)
	for _, overlay := range o.Overlays {
		cmd.Args = append(cmd.Args, "--config", overlay)
	}
	cmd.Args = append(cmd.Args, "--feature-gates=stanza.synchronousLogEmitter")
	cmd.Dir = o.Data
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + o.Data,
		"AUDITCHAIN_DATA=" + o.Data,
		"AUDITCHAIN_KEY_FILE=" + o.KeyFile,
		"AUDITCHAIN_BACKEND=" + o.Backend,
		"AUDITCHAIN_API_CALLS=" + o.APICalls,
		"AUDITCHAIN_OTLP_GRPC=" + ends.GRPC,
		"AUDITCHAIN_OTLP_HTTP=" + ends.HTTP,
		"AUDITCHAIN_HEALTH=" + ends.Health,
		"AUDITCHAIN_METRICS_PORT=" + metricsPort,
	}
	return cmd
}
