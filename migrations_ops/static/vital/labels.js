// A field that searches is drawn anew by select2, without a name for screen readers: it gets its label's.
const drawn = ".select2-selection__rendered, .select2-selection--multiple, .select2-search__field";
new MutationObserver(() => {
  for (const field of document.querySelectorAll(drawn)) {
    const select = field.closest(".select2-container")?.previousElementSibling;
    const label = select?.id && document.querySelector(`label[for="${select.id}"]`);
    if (label && !field.hasAttribute("aria-label")) field.setAttribute("aria-label", label.textContent.replace("*", "").trim());
  }
}).observe(document, { childList: true, subtree: true });
