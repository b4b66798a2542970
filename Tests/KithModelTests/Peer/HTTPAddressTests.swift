// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("HTTP addresses")
struct HTTPAddressTests {
    @Test(
        "A URL is read and written back in its shortest form",
        arguments: [
            ("http://localhost:8081/api/generate", "http://localhost:8081/api/generate"),
            ("HTTP://node.local", "http://node.local"),
            ("https://node.local:443/", "https://node.local"),
            ("http://[fe80::1%eth0]:8080/v1/", "http://[fe80::1%eth0]:8080/v1"),
        ])
    func roundTrip(text: String, expected: String) {
        #expect(HTTPAddress(text)?.description == expected)
    }

    @Test(
        "What is not a plain HTTP URL is refused",
        arguments: [
            "", "localhost:8080", "ftp://host", "http://", "http://host:0", "http://host:65536", "http://host:x",
            "http://user@host", "http://host/a b", "http://host/?q", "http://host/#f", "http://[::1", "http://[host]:1",
        ])
    func refused(text: String) {
        #expect(HTTPAddress(text) == nil)
    }

    @Test(
        "A secret stays secret over TLS and within this machine only",
        arguments: [
            ("http://localhost:8081", true), ("http://127.0.0.2:8081", true), ("http://[::1]:8081", true),
            ("https://desk.example", true), ("http://desk.example", false), ("http://10.0.0.2:8080", false),
            ("http://127.evil.example", false),
        ])
    func keepsSecrets(text: String, expected: Bool) {
        #expect(HTTPAddress(text)?.keepsSecrets == expected)
    }
}
