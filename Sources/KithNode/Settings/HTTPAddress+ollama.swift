// SPDX-License-Identifier: Apache-2.0

import KithModel

extension HTTPAddress {
    private static let ollamaPort = 11_434

    /// Reads an address as Ollama's programs take it in OLLAMA_HOST: a URL, or a host, a port, or both; the address to listen on
    /// all interfaces stands for this machine.
    ///
    /// - Returns: `nil` for anything else.
    static func ofOllama(_ text: String) -> HTTPAddress? {
        let isURL = text.contains("://")
        var written = text
        if !isURL {
            if text.isEmpty || text.hasPrefix(":") { written = "127.0.0.1" + text }
            let hasPort = written.contains("]") ? written.contains("]:") : written.split(separator: ":").count == 2
            if !hasPort { written += ":\(Self.ollamaPort)" }
            written = "http://" + written
        }
        guard var address = HTTPAddress(written) else { return nil }
        if address.host == "0.0.0.0" { address.host = "127.0.0.1" }
        if address.host == "::" { address.host = "::1" }
        return address
    }
}
