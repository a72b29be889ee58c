/** Hard places that the generator must reach, and how often in a thousand seeds at least. */
export const EXPECTED_MARKS: readonly { readonly mark: string; readonly perThousand: number }[] = [];
