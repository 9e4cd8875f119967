#!/bin/sh
# Copyright The auditchain Authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds the neighbour's Collector: build.sh OCB OUTPUT
#
# fileexporter's tests need a module that the proxy does not serve, so that ocb
# writes the main package and go.mod and then fails in `go mod tidy`. Those tests
# are not built here: -e lets tidy go on, and Go builds the rest.
set -eu

ocb=$(realpath "$1")
output=$(realpath -m "$2")
cd "$(dirname "$0")/.."
mkdir -p ../.build

rm -rf ../.build/otelcol-neighbour
GOWORK=off "$ocb" --config collector/builder-config.yaml --skip-compilation || [ -f ../.build/otelcol-neighbour/go.mod ]
cd ../.build/otelcol-neighbour
GOWORK=off go mod tidy -e || true # what is missing for real, the build names
CGO_ENABLED=0 GOWORK=off go build -trimpath -buildvcs=false -ldflags='-s -w' -o "$output" .
