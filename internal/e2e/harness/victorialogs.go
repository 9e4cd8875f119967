// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Logs is a running VictoriaLogs: a log database of others, as the backend that
// records are forwarded to.
type Logs struct {
	*Process
	addr string
}

// Events is the query for everything but checkpoints, of which there are as many as
// there was time for.
const Events = `!"audit.integrity.algorithm":*`

// Checkpoints is the query for those.
const Checkpoints = `"audit.integrity.algorithm":="rfc6962-sha256"`

// StartVictoriaLogs starts it on a free port, with its data in dir (made when
// missing), and returns when it answers.
func StartVictoriaLogs(ctx context.Context, bin Binaries, dir string) (*Logs, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	return StartVictoriaLogsAt(ctx, bin, dir, Loopback(port))
}

// StartVictoriaLogsAt is StartVictoriaLogs at a given address, for a backend that
// comes up late or comes back.
func StartVictoriaLogsAt(ctx context.Context, bin Binaries, dir, addr string) (*Logs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.Command(bin.Path(VictoriaLogs),
		"-storageDataPath="+filepath.Join(dir, "storage"),
		"-httpListenAddr="+addr,
		// The default of a week would throw away events that happened earlier.
		"-retentionPeriod=100y")
	p, err := start("VictoriaLogs", filepath.Join(dir, "victoria-logs.log"), cmd)
	if err != nil {
		return nil, err
	}
	l := &Logs{Process: p, addr: addr}
	if err := ready(ctx, p, "http://"+addr+"/health"); err != nil {
		p.Kill()
		return nil, err
	}
	return l, nil
}

// Addr is where it listens.
func (l *Logs) Addr() string { return l.addr }

// InsertURL is the endpoint that takes OTLP logs.
func (l *Logs) InsertURL() string { return InsertURL(l.addr) }

// InsertURL is the OTLP endpoint of a VictoriaLogs at addr, running or not.
func InsertURL(addr string) string { return "http://" + addr + "/insert/opentelemetry/v1/logs" }

// Query runs a LogsQL query and returns the rows: field name to value, all of them
// strings. The record's body is the field "_msg".
func (l *Logs) Query(ctx context.Context, query string) ([]map[string]string, error) {
	body := strings.NewReader(url.Values{"query": {query}}.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+l.addr+"/select/logsql/query", body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, errors.Join(err, l.ended())
	}
	defer resp.Body.Close() // read to the end or given up
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return nil, fmt.Errorf("VictoriaLogs: %s: %s", resp.Status, text)
	}
	var rows []map[string]string
	dec := json.NewDecoder(bufio.NewReader(resp.Body))
	for {
		var row map[string]string
		switch err := dec.Decode(&row); {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return nil, fmt.Errorf("row %d of VictoriaLogs' answer: %w", len(rows)+1, err)
		}
		rows = append(rows, row)
	}
}

// WaitFor polls a query until at least n rows are there, and returns them.
func (l *Logs) WaitFor(ctx context.Context, n int, query string) ([]map[string]string, error) {
	var rows []map[string]string
	err := Until(ctx, fmt.Sprintf("%d records in VictoriaLogs", n), func(ctx context.Context) (bool, string, error) {
		var err error
		rows, err = l.Query(ctx, query)
		return err == nil && len(rows) >= n, fmt.Sprintf("%d records", len(rows)), err
	})
	return rows, err
}

// ready waits until a URL answers 200, or the process behind it has ended.
func ready(ctx context.Context, p *Process, url string) error {
	return Until(ctx, p.name+" to be ready", func(ctx context.Context) (bool, string, error) {
		if err := p.ended(); err != nil {
			return false, "", err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false, "", err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, err.Error(), nil // not listening yet
		}
		defer resp.Body.Close() // only the status counts
		return resp.StatusCode == http.StatusOK, resp.Status, nil
	})
}
