// A browser skips autofocus where a key is released while the page is loading, as it is after Enter.
document.querySelector("[autofocus]")?.focus();
