// The search of the theme is a worker, which browsers refuse to a page that was opened as a file: there it runs in a
// hidden frame. The theme looks for the name IFrameWorker.
if (location.protocol === "file:") {
  const load = (frame, url) =>
    new Promise((resolve, reject) => {
      const script = frame.document.createElement("script")
      Object.assign(script, { src: url, onload: resolve, onerror: reject })
      frame.document.body.appendChild(script)
    })

  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      this.element = document.createElement("iframe")
      this.element.hidden = true
      document.body.appendChild(this.element)
      const frame = (this.frame = this.element.contentWindow)
      // A document of its own at once: some browsers replace the empty one later.
      frame.document.open()
      frame.document.write("<body></body>")
      frame.document.close()
      frame.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
      frame.importScripts = (...urls) =>
        urls.reduce((before, each) => before.then(() => load(frame, each)), Promise.resolve())
      this.loaded = load(frame, url)
    }

    postMessage(data) {
      this.loaded.then(() => this.frame.dispatchEvent(new MessageEvent("message", { data })))
    }

    terminate() {
      this.element.remove()
    }
  }
  window.Worker = window.IFrameWorker
}
