// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package gcpkms lets a program that imports it use key files that are
// encrypted by the Key Management Service of Google Cloud: gcpkms:// URLs
// (https://gocloud.dev/howto/secrets/#gcp).
package gcpkms

import _ "gocloud.dev/secrets/gcpkms" // registers gcpkms://
