// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package azurekeyvault lets a program that imports it use key files that are
// encrypted by Azure Key Vault: azurekeyvault:// URLs
// (https://gocloud.dev/howto/secrets/#azure).
//
// The service encrypts with RSA itself, and takes no more than one block: an
// RSA key of 4096 bits is needed.
package azurekeyvault

import _ "gocloud.dev/secrets/azurekeyvault" // registers azurekeyvault://
