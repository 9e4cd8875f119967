// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	inFlight     = 4
	exportMethod = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
	startLimit   = 30 * time.Second
)

// rowCollector: two real Collectors, fed over OTLP/gRPC.
func rowCollector(ours, neighbour string) func(ctx context.Context, e *env) ([]result, error) {
	return func(ctx context.Context, e *env) ([]result, error) {
		var cs []comparison
		for _, dirty := range []bool{false, true} {
			p := newPool(e.scale.poolRecords, 100, dirty)
			requests, err := encode(p)
			if err != nil {
				return nil, err
			}
			cs = append(cs, comparison{
				label: fmt.Sprintf("batch 100, %d in flight, %s", inFlight, dirtyText(dirty)), unit: recordsPerSecond,
				a: e.collectorSide("redactionprocessor (10 patterns) + fileexporter", collector{binary: neighbour, pool: p, requests: requests, count: countOTLP,
					processor: settings{"redaction": redactionProcessor(patterns10).conf},
					exporter:  func(path string) settings { _, conf := fileExporter(path); return settings{"file": conf} }}),
				b: e.collectorSide("audit_redaction + audit_chain, fsync always", collector{binary: ours, pool: p, requests: requests, count: countJournal,
					processor: settings{"audit_redaction": auditRedaction().conf},
					exporter: func(path string) settings {
						_, conf := chainExporter(path, e.keyFile, "always")
						return settings{"audit_chain": conf}
					},
					verify: e.verifyJournal}),
			})
		}
		return e.run(ctx, "collector", cs)
	}
}

// encode makes the requests once, so that the client's work does not hide
// the difference between the Collectors.
func encode(p *pool) ([]numbered, error) {
	out := make([]numbered, len(p.batches))
	for i, ld := range p.batches {
		b, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld) // an export request has the same fields
		if err != nil {
			return nil, err
		}
		out[i] = numbered{i, b}
	}
	return out, nil
}

type numbered struct {
	batch int
	body  []byte
}

// collector is one side: a binary and its pipeline.
type collector struct {
	binary    string
	pool      *pool
	requests  []numbered
	processor settings
	exporter  func(path string) settings
	count     func() recordsOf
	verify    func(ctx context.Context, path string) error
}

// collectorSide starts the Collector anew for each round, warms it up, and
// checks its file once it has ended.
func (e *env) collectorSide(name string, c collector) contender {
	return contender{name, func(ctx context.Context) (out sample, err error) {
		dir, err := e.freshFolder()
		if err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		path := filepath.Join(dir, "out.jsonl")
		p, err := c.feed(ctx, dir, path, e.scale.round)
		if err != nil {
			return out, err
		}
		got, err := readFile(path, c.count(), c.pool)
		if err != nil {
			return out, err
		}
		if err := got.check(p.all, true); err != nil {
			return out, err
		}
		if c.verify != nil {
			if err := c.verify(ctx, path); err != nil {
				return out, err
			}
		}
		return sample{figure: p.clocked.sample().figure}, nil // the processor time of this process is the client's
	}}
}

type fed struct{ all, clocked pushed }

func (c collector) feed(ctx context.Context, dir, path string, d time.Duration) (out fed, err error) {
	proc, address, err := c.start(ctx, dir, path)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, proc.stop()) }()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return out, err
	}
	defer conn.Close()
	out.all.batches = make([]int, len(c.pool.batches))
	push := func(ctx context.Context, r numbered) error {
		var answer []byte
		return conn.Invoke(ctx, exportMethod, r.body, &answer, grpc.ForceCodec(rawCodec{}))
	}
	for _, phase := range []time.Duration{d / 3, d} { // the first warms up
		n, took, err := stretch(ctx, inFlight, phase, c.requests, true, push)
		if err != nil {
			return out, err
		}
		for i := range n {
			out.all.batches[i%len(c.requests)]++
		}
		out.clocked = pushed{records: n * c.pool.size, elapsed: took}
		out.all.records += out.clocked.records
	}
	return out, nil
}

// rawCodec sends and takes messages that are bytes already.
type rawCodec struct{}

func (rawCodec) Name() string                  { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (rawCodec) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(b)
	return nil
}

type process struct {
	cmd *exec.Cmd
	log *bytes.Buffer // read once the process has ended
}

// start runs the Collector and waits until it takes connections.
func (c collector) start(ctx context.Context, dir, path string) (*process, string, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	// JSON is YAML.
	text, err := json.Marshal(settings{
		"receivers":  settings{"otlp": settings{"protocols": settings{"grpc": settings{"endpoint": address}}}},
		"processors": c.processor,
		"exporters":  c.exporter(path),
		"service": settings{
			"telemetry": settings{"metrics": settings{"level": "none"}, "logs": settings{"level": "error"}},
			"pipelines": settings{"logs": settings{"receivers": []string{"otlp"}, "processors": only(c.processor), "exporters": only(c.exporter(path))}},
		},
	})
	if err != nil {
		return nil, "", err
	}
	conf := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(conf, text, 0o600); err != nil {
		return nil, "", err
	}
	p := &process{cmd: exec.CommandContext(ctx, c.binary, "--config", conf), log: new(bytes.Buffer)}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, "", err
	}
	for limit := time.Now().Add(startLimit); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
			return p, address, nil
		}
		if time.Now().After(limit) {
			return nil, "", errors.Join(fmt.Errorf("the collector takes no connections after %v", startLimit), p.stop())
		}
	}
}

func only(m settings) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// stop ends the Collector the way a service manager does and waits for it.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the collector: %w\n%s", err, strings.TrimSpace(p.log.String()))
	}
	return nil
}
