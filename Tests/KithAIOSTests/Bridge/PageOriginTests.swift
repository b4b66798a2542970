// SPDX-License-Identifier: Apache-2.0

import Testing
@testable import KithAIOS

@Suite("Origins of pages")
struct PageOriginTests {
    static let allowed = [
        "vscode-webview://0a1b2c3d", "vscode-webview://1nl7m2.vscode-cdn", "http://localhost", "https://localhost",
        "http://localhost:5173", "https://localhost:65535", "HTTP://LOCALHOST:3000",
    ]
    static let foreign = [
        "http://localhost.evil.example", "http://localhost:3000.evil.example", "http://localhost@evil.example",
        "http://localhost:0", "http://localhost:65536", "http://localhost:", "http://localhost:30a0",
        "http://localhost:+80", "http://localhost/", "http://localhost:80/x", "http://evil.example",
        "https://vscode-webview.evil.example", "vscode-webview://", "vscode-webview://a/b", "vscode-webview:a",
        "vscode-webviewx://a", "file://localhost", "null", "localhost", "http://", "://localhost", "http://127.0.0.1:1",
        "http://xlocalhost", "https://localhost:443 ,http://evil.example",
    ]

    @Test("An editor's pages and this machine's are known", arguments: PageOriginTests.allowed)
    func known(origin: String) {
        #expect(PageOrigin.isAllowed(origin))
    }

    @Test("What only looks so is not", arguments: PageOriginTests.foreign)
    func unknown(origin: String) {
        #expect(!PageOrigin.isAllowed(origin))
    }
}
