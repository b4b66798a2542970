// SPDX-License-Identifier: Apache-2.0

import Testing
@testable import KithServer

@Suite("Origins of web pages")
struct WebOriginTests {
    @Test(
        "An origin is a scheme, a host and perhaps a port, in any case",
        arguments: [
            ("http://localhost:3000", "http://localhost:3000"), ("HTTPS://App.Example", "https://app.example"),
            ("https://app.example:443", "https://app.example"), ("http://app.example:80", "http://app.example"),
            ("http://app.example:443", "http://app.example:443"), ("http://[::1]:5173", "http://[::1]:5173"),
            ("app://obsidian.md", "app://obsidian.md"), ("chrome-extension://abc", "chrome-extension://abc"),
            ("tauri://localhost", "tauri://localhost"), ("http://127.0.0.1", "http://127.0.0.1"),
        ])
    func origins(text: String, expected: String) {
        #expect(WebOrigin.normalised(text) == expected)
    }

    @Test(
        "What is more or less than that is none",
        arguments: [
            "", "null", "*", "localhost", "//localhost", "://x", "http://", "file://", "http://*.example",
            "https://app.example/", "https://app.example/x", "http://me@app.example", "http://app.example:",
            "http://app.example:0", "http://app.example:65536", "http://app.example:8x", "http://[::1", "http://[g]",
            "1http://x", "http://a b", "http://x:1:2", "http://\u{661}.example", "http://[::1]x",
            "http://" + String(repeating: "a", count: 600),
        ])
    func others(text: String) {
        #expect(WebOrigin.normalised(text) == nil)
    }

    @Test("Named pages may ask and read, and no other page may do either")
    func named() {
        let allowed = AllowedOrigins(["https://App.example:443", "http://localhost:3000", "nonsense"])
        for origin in ["https://app.example", "HTTPS://app.example", "http://localhost:3000"] {
            #expect(allowed.names(origin) && allowed.mayRead(origin), "\(origin)")
        }
        for origin in [
            "http://app.example", "https://app.example.evil.example", "https://sub.app.example", "null", "", "nonsense",
            "http://localhost", "http://localhost:3000/", "*",
        ] {
            #expect(!allowed.names(origin) && !allowed.mayRead(origin), "\(origin)")
        }
    }

    @Test("The wildcard lets every page read, and none ask without a key")
    func wildcard() {
        let all = AllowedOrigins(["*", "http://localhost:3000"])
        #expect(all.mayRead("https://any.example"))
        #expect(!all.names("https://any.example"))
        #expect(all.names("http://localhost:3000"))
        #expect(!all.isEmpty)
        #expect(AllowedOrigins.none.isEmpty)
        #expect(!AllowedOrigins.none.mayRead("http://localhost:3000"))
    }
}
