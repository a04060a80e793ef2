// The frame of a pad grows to the height that the page inside tells.
window.addEventListener("message", (event) => {
  for (const frame of document.querySelectorAll("iframe.book-pad")) {
    if (event.source === frame.contentWindow && event.data.padHeight > 0) {
      frame.style.height = `${event.data.padHeight}px`;
    }
  }
});
