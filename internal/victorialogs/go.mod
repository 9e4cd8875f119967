// This module exists for one command: it pins and builds VictoriaLogs, the log
// database that the demo and the end-to-end tests forward to (make victoria-logs).
// It is apart from the project's own module so that none of this reaches its users.
module github.com/auditchain/auditchain/internal/victorialogs

go 1.26

tool github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-logs

require github.com/VictoriaMetrics/VictoriaMetrics v1.110.0 // indirect

require (
	github.com/VictoriaMetrics/easyproto v0.1.4 // indirect
	github.com/VictoriaMetrics/metrics v1.35.1 // indirect
	github.com/VictoriaMetrics/metricsql v0.82.0 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/golang/snappy v0.0.4 // indirect
	github.com/klauspost/compress v1.17.11 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fastjson v1.6.4 // indirect
	github.com/valyala/fastrand v1.1.0 // indirect
	github.com/valyala/fasttemplate v1.2.2 // indirect
	github.com/valyala/gozstd v1.21.2 // indirect
	github.com/valyala/histogram v1.2.0 // indirect
	github.com/valyala/quicktemplate v1.8.0 // indirect
	golang.org/x/sys v0.29.0 // indirect
)

replace cloud.google.com/go/storage => cloud.google.com/go/storage v1.43.0

replace github.com/prometheus/common => github.com/prometheus/common v0.62.0
